//! The results as JUnit XML, which CI systems read.

use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::run::{Broken, Row, Run};

/// One attribute.
type Attribute<'a> = (&'a str, &'a str);

/// The document: a `testsuite` for each file, with its tests in their order.
pub(super) fn document(run: &Run) -> std::io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all: Vec<&Row> = run.rows.iter().collect();
    let counts = Counts::of(&all, run.broken.len());
    let root = writer.create_element("testsuites").with_attributes([("name", "kt policy test")]);
    root.with_attributes(counts.attributes()).write_inner_content(|writer| {
        for suite in run.rows.chunk_by(|one, next| one.file == next.file) {
            let rows: Vec<&Row> = suite.iter().collect();
            let file = suite.first().map_or("", |row| &row.file);
            let counts = Counts::of(&rows, 0);
            let element = writer.create_element("testsuite").with_attribute(("name", clean(file).as_str()));
            element
                .with_attributes(counts.attributes())
                .write_inner_content(|writer| rows.iter().try_for_each(|row| case(writer, run, row)))?;
        }
        run.broken.iter().try_for_each(|broken| could_not_run(writer, broken))
    })?;
    let mut document = writer.into_inner();
    document.push(b'\n');
    Ok(document)
}

/// What a suite's attributes say.
struct Counts([(&'static str, String); 4]);

impl Counts {
    fn of(rows: &[&Row], broken: usize) -> Self {
        let failed = rows.iter().filter(|row| !row.passed()).count();
        let took: Duration = rows.iter().map(|row| row.took).sum();
        Self([
            ("tests", (rows.len() + broken).to_string()),
            ("failures", failed.to_string()),
            ("errors", broken.to_string()),
            ("time", seconds(took)),
        ])
    }

    fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

fn case(writer: &mut Writer<Vec<u8>>, run: &Run, row: &Row) -> std::io::Result<()> {
    let place = run.sources.place(row.at);
    let attributes = [
        ("name", clean(&row.name)),
        ("classname", clean(&row.file)),
        ("file", clean(&place.file)),
        ("line", place.line.to_string()),
        ("time", seconds(row.took)),
    ];
    let element = writer.create_element("testcase");
    let element = element.with_attributes(attributes.iter().map(|(name, value)| (*name, value.as_str())));
    if row.passed() {
        return element.write_empty().map(|_| ());
    }
    let messages: Vec<&str> = row.failures.iter().map(|failure| failure.message.as_str()).collect();
    let told = grammar::render::render(&row.failures, &run.sources, false);
    element.write_inner_content(|writer| fault(writer, "failure", &messages.join("; "), &told))?;
    Ok(())
}

/// What could not run, as a suite of one test with an error.
fn could_not_run(writer: &mut Writer<Vec<u8>>, broken: &Broken) -> std::io::Result<()> {
    let name = clean(&broken.file);
    let counts = Counts::of(&[], 1);
    let suite = writer.create_element("testsuite").with_attribute(("name", name.as_str()));
    suite.with_attributes(counts.attributes()).write_inner_content(|writer| {
        let attributes =
            [("name", "can be run"), ("classname", &name), ("file", &name), ("line", "1"), ("time", "0.000")];
        let case = writer.create_element("testcase").with_attributes(attributes);
        case.write_inner_content(|writer| fault(writer, "error", "it could not run", &broken.told))?;
        Ok(())
    })?;
    Ok(())
}

fn fault(writer: &mut Writer<Vec<u8>>, kind: &str, message: &str, told: &str) -> std::io::Result<()> {
    let element = writer.create_element(kind).with_attribute(("message", clean(message).as_str()));
    element.write_text_content(BytesText::new(&clean(told.trim_end())))?;
    Ok(())
}

fn seconds(took: Duration) -> String {
    format!("{:.3}", took.as_secs_f64())
}

/// The text with what XML cannot hold written as numbers.
fn clean(text: &str) -> String {
    let fits = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    let written = |c: char| if fits(c) { c.to_string() } else { format!("\\u{{{:X}}}", u32::from(c)) };
    text.chars().map(written).collect()
}
