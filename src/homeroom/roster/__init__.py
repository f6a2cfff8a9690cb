"""The class list: read from what schools export, written as accounts, handed out as join codes.

Read in this order: `text` (bytes to lines), `columns` (headers to fields), `parse` (lines to rows),
`services` (rows to accounts), `sheet` (accounts to a sheet to cut up), `routes`.
"""
