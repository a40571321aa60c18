//! The output of the emitter and what it knows about the current line.

use super::analysis::utf_16_length;

const INDENT: usize = 2;

/// Behind this column a line is folded.
const WIDTH: usize = 80;

#[derive(Debug)]
pub(super) struct Writer {
    output: String,
    /// In UTF-16 units, as Java counts.
    column: usize,
    /// Nothing outside of any collection.
    indent: Option<usize>,
    /// Whether the last character was a blank.
    whitespace: bool,
    /// Whether the line has nothing but blanks and block indicators.
    indentation: bool,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            output: String::new(),
            column: 0,
            indent: None,
            whitespace: true,
            indentation: true,
        }
    }
}

impl Writer {
    pub(super) fn finish(self) -> String {
        self.output
    }

    pub(super) fn at_indentation(&self) -> bool {
        self.indentation
    }

    pub(super) fn is_beyond_width(&self) -> bool {
        self.column > WIDTH
    }

    pub(super) fn is_beyond_width_by(&self, columns: usize) -> bool {
        self.column > WIDTH + columns
    }

    /// Whether the line will be too long when the text is written.
    pub(super) fn is_beyond_width_with(&self, text: &str) -> bool {
        self.column + utf_16_length(text) > WIDTH
    }

    /// Goes one level deeper and answers with the level to return to.
    pub(super) fn enter_block(&mut self, same_indent: bool) -> Option<usize> {
        let outer = self.indent;
        self.indent = match outer {
            None => Some(0),
            Some(indent) if same_indent => Some(indent),
            Some(indent) => Some(indent + INDENT),
        };
        outer
    }

    /// As [`Self::enter_block`], for the lines of a scalar.
    pub(super) fn enter_scalar(&mut self) -> Option<usize> {
        let outer = self.indent;
        self.indent = Some(outer.map_or(INDENT, |indent| indent + INDENT));
        outer
    }

    pub(super) fn restore_indent(&mut self, outer: Option<usize>) {
        self.indent = outer;
    }

    /// `[]` or `{}`
    pub(super) fn empty_collection(&mut self, open: &str, close: &str) {
        self.spaced_indicator(open);
        self.indicator(close);
    }

    /// Directly behind what was written last.
    pub(super) fn indicator(&mut self, text: &str) {
        self.text(text);
        self.whitespace = false;
        self.indentation = false;
    }

    /// With a space before it, unless there is one.
    pub(super) fn spaced_indicator(&mut self, text: &str) {
        self.space();
        self.indicator(text);
    }

    /// `-`, `?` or `:`, behind which a nested block may begin on the same line.
    pub(super) fn block_indicator(&mut self, text: &str) {
        let indentation = self.indentation;
        self.spaced_indicator(text);
        self.indentation = indentation;
    }

    /// Begins the text of a scalar that has no indicator.
    pub(super) fn begin_plain(&mut self) {
        self.space();
        self.whitespace = false;
        self.indentation = false;
    }

    /// Folds a line inside of a scalar.
    pub(super) fn fold(&mut self) {
        self.indent_line();
        self.whitespace = false;
        self.indentation = false;
    }

    pub(super) fn text(&mut self, text: &str) {
        self.column += utf_16_length(text);
        self.output.push_str(text);
    }

    /// Text of a literal block, the column of which nobody asks for.
    pub(super) fn literal_line(&mut self, text: &str) {
        self.output.push_str(text);
    }

    /// Goes to the indentation of the current level, on a new line unless this one is free.
    pub(super) fn indent_line(&mut self) {
        let indent = self.indent.unwrap_or(0);
        let occupied = self.column > indent || self.column == indent && !self.whitespace;
        if !self.indentation || occupied {
            self.line_break('\n');
        }
        if self.column < indent {
            let missing = indent - self.column;
            self.output.extend(std::iter::repeat_n(' ', missing));
            self.column = indent;
            self.whitespace = true;
        }
    }

    pub(super) fn line_break(&mut self, character: char) {
        self.output.push(character);
        self.column = 0;
        self.whitespace = true;
        self.indentation = true;
    }

    fn space(&mut self) {
        if !self.whitespace {
            self.text(" ");
        }
    }
}
