//! Tables, as the book has them.

/// A table in Markdown.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        Self { rows: vec![heads] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Prints it under a headline.
    pub(crate) fn print(&self, headline: &str) {
        println!("\n### {headline}\n");
        for (place, row) in self.rows.iter().enumerate() {
            println!("| {} |", row.join(" | "));
            if place == 0 {
                println!("|{}", "---|".repeat(row.len()));
            }
        }
    }
}

/// A number with as many digits as say something.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// Microseconds, written as what they are or as milliseconds; nothing took none.
pub(crate) fn time(micros: f64) -> String {
    if micros == 0.0 {
        return "—".to_owned();
    }
    if micros >= 10_000.0 {
        format!("{} ms", number(micros / 1e3))
    } else {
        format!("{} µs", number(micros))
    }
}

/// Bytes in MB.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Bytes in KB.
pub(crate) fn kilobytes(bytes: f64) -> String {
    format!("{:.1} KB", bytes / 1e3)
}
