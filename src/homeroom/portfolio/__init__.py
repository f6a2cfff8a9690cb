"""The portfolio: what people show of their work, to whom, and what the staff takes down."""
