// What the site uses of uPlot, whose minified script brings no types.

export default class uPlot {
  static paths: { bars(options: object): object };
  static tzDate(date: Date, timeZone: string): Date;
  constructor(options: object, data: number[][], place: HTMLElement);
  readonly width: number;
  destroy(): void;
  redraw(): void;
  setSize(size: { width: number; height: number }): void;
}
