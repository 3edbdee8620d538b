//! Tables as text: columns as wide as what is in them, numbers at the right.

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// Words, at the left.
    Words,
    /// Numbers, at the right.
    Numbers,
}

/// The rows under each other, the heading first. No line ends in spaces.
pub(super) fn table(columns: &[Column], rows: &[Vec<String>]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(columns).zip(&widths).map(|((cell, column), width)| match column {
            Column::Words => format!("{cell:<width$}"),
            Column::Numbers => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A part of a whole, in percent.
pub(super) fn share(part: usize, whole: usize) -> String {
    // In tenths, in whole numbers, so that halves round the same everywhere.
    let tenths = (part * 2000 + whole) / (2 * whole.max(1));
    format!("{}.{}%", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["verdict", "lines", ""]), row(["block", "12", "x"]), row(["é", "1234567", ""])];
        let text = table(&[Column::Words, Column::Numbers, Column::Words], &rows);
        assert_eq!(text, "verdict    lines\nblock         12  x\né        1234567\n");
    }

    #[test]
    fn shares_round_to_tenths() {
        let shares = [(1, 3), (2, 3), (1, 2000), (1, 1), (0, 5), (0, 0)];
        let told = shares.map(|(part, whole)| share(part, whole));
        assert_eq!(told, ["33.3%", "66.7%", "0.1%", "100.0%", "0.0%", "0.0%"]);
    }
}
