"""The table of types in runtime/doc/interop.md, which the tests hold against what
they see."""


def read(path):
    """{column: {dtype: cell}} of the table whose first column is "dtype"."""
    with open(path) as file:
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")]
                for line in file if line.startswith("|")]
    begin = next(i for i, row in enumerate(rows) if row[0] == "dtype")
    head, columns = rows[begin], {}
    for row in rows[begin + 2:]:
        if len(row) != len(head):
            break
        for column, cell in zip(head[1:], row[1:]):
            columns.setdefault(column, {})[row[0].strip("`")] = cell
    return columns


def check(path, column, seen):
    """`seen`: {dtype: cell} as the test found it."""
    told = read(path).get(column)
    assert told is not None, "%s: no column %s" % (path, column)
    wrong = ["%s is '%s', the page says '%s'" % (t, cell, told.get(t))
             for t, cell in seen.items() if told.get(t) != cell]
    assert not wrong, "%s: %s: %s" % (path, column, "; ".join(wrong))
