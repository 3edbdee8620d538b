//! Diagnostics as people read them, drawn by `annotate-snippets`.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::span::{Sources, Span};

/// How wide lines are drawn, in columns.
const WIDTH: usize = 110;

/// All diagnostics as text, each with its excerpt, and the mend below it.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, colours: bool) -> String {
    let renderer = if colours { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&renderer.render(&[group(diagnostic, sources)]));
        out.push('\n');
        out.extend(diagnostic.difference.as_ref().map(|difference| difference.draw(colours)));
        out.push('\n');
    }
    out
}

/// A text with some of its ranges underlined, each with its words.
pub fn marked(name: &str, text: &str, marks: &[(std::ops::Range<usize>, String)], colours: bool) -> String {
    let renderer = if colours { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
    let mut snippet = Snippet::source(text).path(name);
    for (range, words) in marks {
        let span = clip(Span { start: range.start, end: range.end, ..Span::default() }, text);
        snippet = snippet.annotation(AnnotationKind::Primary.span(span).label(words.as_str()));
    }
    renderer.render(&[Group::with_level(Level::NOTE).element(snippet)])
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.id);
    let mut group = match snippet(diagnostic, sources) {
        _ if diagnostic.hidden => title.element(origin(diagnostic.span, sources)),
        Some(snippet) => title.element(snippet),
        None => Group::with_title(title),
    };
    for (span, words) in diagnostic.related.iter().filter(|_| !diagnostic.hidden) {
        let elsewhere = span.source != diagnostic.span.source;
        if let Some(source) = sources.get(span.source).filter(|_| elsewhere) {
            group =
                group.element(Snippet::source(source.text.as_str()).path(source.name.as_str()).annotation(
                    AnnotationKind::Context.span(clip(*span, &source.text)).label(words.as_str()),
                ));
        }
    }
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(help.as_str())),
        None => group,
    }
}

/// The place alone, for lines that must not be shown.
fn origin(span: Span, sources: &Sources) -> Origin<'_> {
    let place = sources.place(span);
    Origin::path(place.file).line(place.line).char_column(place.column)
}

fn snippet<'a>(
    diagnostic: &'a Diagnostic,
    sources: &'a Sources,
) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let source = sources.get(diagnostic.span.source)?;
    let mut primary = AnnotationKind::Primary.span(clip(diagnostic.span, &source.text));
    if let Some(label) = &diagnostic.label {
        primary = primary.label(label.as_str());
    }
    let mut snippet = Snippet::source(source.text.as_str()).path(source.name.as_str()).annotation(primary);
    for (span, words) in &diagnostic.related {
        if span.source == diagnostic.span.source {
            snippet = snippet
                .annotation(AnnotationKind::Context.span(clip(*span, &source.text)).label(words.as_str()));
        }
    }
    Some(snippet)
}

/// A range that the renderer takes: inside the text, on character boundaries.
fn clip(span: Span, text: &str) -> std::ops::Range<usize> {
    let floor = |mut i: usize| {
        i = i.min(text.len());
        while !text.is_char_boundary(i) {
            i -= 1;
        }
        i
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}
