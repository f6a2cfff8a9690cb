"""`homeroom doctor`: what is wrong with a deployment, and what to do about it."""

import json
import sys
from collections.abc import Iterator

import click
from flask.cli import ScriptInfo

from homeroom.cli.presence import NoSiteError, require_site
from homeroom.config import ConfigError, current_config, load_config, misspelt_settings
from homeroom.operations.doctor.browser import Target
from homeroom.operations.doctor.findings import Finding, State
from homeroom.operations.doctor.machine import check_machine
from homeroom.operations.doctor.origin import Visitor, walk
from homeroom.operations.doctor.site import check_site

_MARKS = {
    State.FINE: click.style("✓", fg="green"),
    State.WARNING: click.style("!", fg="yellow"),
    State.WRONG: click.style("✗", fg="red"),
}
# 2 is click's, for a wrong command.
_STATUS_WRONG, _STATUS_WARNINGS = 1, 3


class Nameserver(click.ParamType[tuple[str, int]]):
    """`ADDRESS` or `ADDRESS:PORT` of a DNS server."""

    name = "nameserver"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        address, _, port = value.partition(":")
        if port and not port.isdecimal():
            self.fail(f"{value!r} isn't a name server. Write it like 1.1.1.1 or 127.0.0.1:5353", param, ctx)
        return address, int(port or 53)


@click.command("doctor")
@click.argument("url", required=False)
@click.option(
    "--origin", help="Test the requests of a page on this origin, such as https://someone.github.io."
)
@click.option("--uid", help="Also sign in as this user; asks for the password.")
@click.option("--address", help="The machine's public address, to which the name should lead.")
@click.option("--nameserver", type=Nameserver(), help="Ask this DNS server instead of the system's.")
@click.option("--http-port", default=80, show_default=True, type=click.IntRange(1, 65535))
@click.option("--inside/--outside", default=None, help="Also check this machine; the default without a URL.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor(
    context: click.Context, url: str | None, origin: str | None, uid: str | None, address: str | None,
    nameserver: tuple[str, int] | None, http_port: int, inside: bool | None, as_json: bool,
) -> None:  # fmt: skip
    """Check a deployment, and show how to fix each problem.

    Without a URL, check this machine: settings, key, disk, volume, database. With a URL, check the site from
    outside: name, ports, certificate, redirect, proxy, cookie, clock.

    Exit status: 0 everything is fine, 1 something is wrong, 2 wrong usage, 3 warnings only.
    """
    findings: list[Finding] = []
    if url is None or inside:
        findings += _look_inside(context)
    if url is not None:
        findings += _look_outside(url, origin, _ask_visitor(uid), address, nameserver, http_port)
    elif origin is not None or uid is not None:
        raise click.UsageError("Pass the site's URL, which --origin and --uid test.")
    _tell(findings, as_json=as_json)
    states = {finding.state for finding in findings}
    if State.WRONG in states:
        sys.exit(_STATUS_WRONG)
    sys.exit(_STATUS_WARNINGS if State.WARNING in states else 0)


def _look_inside(context: click.Context) -> Iterator[Finding]:
    try:
        require_site(load_config())
        app = context.ensure_object(ScriptInfo).load_app()
    except NoSiteError as error:
        told, _, remedy = error.message.partition(". ")
        yield Finding("site", f"{told}.", remedy)
        return
    except ConfigError as error:
        for line in str(error).splitlines():
            yield Finding("settings", line, "Fix the setting. docs/reference/settings.md explains each one.")
        return
    for name, meant in misspelt_settings().items():
        remedy = f"Call it {meant}." if meant else "Remove it. docs/reference/settings.md lists all settings."
        yield Finding("settings", f"{name} isn't a setting and has no effect.", remedy, is_warning=True)
    with app.app_context():
        yield Finding("settings", "Settings are valid.")
        yield from check_machine(current_config())


def _look_outside(
    url: str, origin: str | None, visitor: Visitor | None, address: str | None,
    nameserver: tuple[str, int] | None, http_port: int,
) -> Iterator[Finding]:  # fmt: skip
    try:
        target = Target.parse(url, http_port=http_port, expected_address=address, nameserver=nameserver)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    found = list(check_site(target))
    yield from found
    # Where nobody answers, a walk would only say so once more.
    if origin is not None and any(finding.check == "homeroom" and not finding.is_fault for finding in found):
        yield from walk(target, origin, visitor)


def _ask_visitor(uid: str | None) -> Visitor | None:
    if uid is None:
        return None
    return Visitor(uid, click.prompt(f"Password of {uid}", hide_input=True, err=True))


def _tell(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "check": each.check,
                "state": each.state,
                "ok": each.state is State.FINE,
                "told": each.told,
                "remedy": each.remedy,
            }
            for each in findings
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for each in findings:
        click.echo(f"{_MARKS[each.state]} {each.check:<16} {each.told}")
        if each.remedy:
            click.echo(f"  {'':<16} → {each.remedy}")
    click.echo(f"\n{_summary(findings)}")


def _summary(findings: list[Finding]) -> str:
    states = [each.state for each in findings]
    wrong, warnings = states.count(State.WRONG), states.count(State.WARNING)
    told = {0: "Nothing wrong", 1: "1 thing is wrong"}.get(wrong, f"{wrong} things are wrong")
    if not warnings:
        return f"{told}."
    return f"{told}, {warnings} {'warning' if warnings == 1 else 'warnings'}."
