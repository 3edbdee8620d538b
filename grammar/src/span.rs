//! Where something stands: sources, and byte ranges of them.

/// One source text of a [`Sources`] set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A half-open byte range of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source that the range is of.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes `start..end` of `source`.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        Self { source, start, end }
    }

    /// The smallest range that covers both; the other's source is ignored when they differ.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        if self.source != other.source {
            return self;
        }
        Span { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same place with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: f(self.value), span: self.span }
    }
}

/// A named text: a file, or an inline piece of one.
#[derive(Clone, Debug)]
pub struct Source {
    /// As shown in diagnostics, usually a path.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Whether another rule file uses it.
    pub library: bool,
}

/// A line and column, both counted from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the source.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// All texts that one compilation reads.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    all: Vec<Source>,
}

impl Sources {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text and says how spans refer to it.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let id = SourceId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(Source { name: name.into(), text: text.into(), library: false });
        id
    }

    /// Adds a text that another rule file uses.
    pub fn add_library(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let id = self.add(name, text);
        if let Some(source) = self.all.last_mut() {
            source.library = true;
        }
        id
    }

    /// Writes spaces over a range, so that what stands there is gone and everything else stays where it is.
    pub fn blank(&mut self, span: Span) {
        let Some(source) = self.all.get_mut(span.source.0 as usize) else { return };
        if let Some(gone) = source.text.get(span.start..span.end) {
            let spaces: String = gone.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
            source.text.replace_range(span.start..span.end, &spaces);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// The names of all, in the order they were loaded.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|source| source.name.as_str())
    }

    /// The texts that other rule files use, in the order they were loaded, but for the first `known` sources.
    pub fn libraries_since(&self, known: usize) -> impl Iterator<Item = &str> {
        self.all.iter().skip(known).filter(|source| source.library).map(|source| source.text.as_str())
    }

    /// The source with that id, if it is of this set.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.all.get(id.0 as usize)
    }

    /// All of them, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        (0..).map(SourceId).zip(&self.all)
    }

    /// The source with that name, if there is one.
    pub fn find(&self, name: &str) -> Option<SourceId> {
        self.all.iter().position(|s| s.name == name).and_then(|i| u32::try_from(i).ok()).map(SourceId)
    }

    /// The text under a span; empty when the span is not of this set.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.source).and_then(|s| s.text.get(span.start..span.end)).unwrap_or_default()
    }

    /// Line and column of the start of a span.
    pub fn place(&self, span: Span) -> Place {
        let Some(source) = self.get(span.source) else {
            return Place { file: String::new(), line: 1, column: 1 };
        };
        let before = source.text.get(..span.start).unwrap_or(&source.text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Place {
            file: source.name.clone(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}
