//! One function for each kind of token.

use super::{Scanner, block, directives, plain, properties, quoted};
use crate::token::{Token, TokenKind};
use crate::{Error, ErrorKind};

impl Scanner<'_> {
    pub(super) fn fetch_stream_end(&mut self) -> Result<(), Error> {
        self.unwind_indent(None);
        self.drop_possible_key()?;
        self.possible_keys.clear();
        self.push_here(TokenKind::StreamEnd);
        self.is_done = true;
        Ok(())
    }

    pub(super) fn fetch_directive(&mut self) -> Result<(), Error> {
        self.unwind_indent(None);
        self.drop_possible_key()?;
        self.allows_simple_key = false;
        let start = self.cursor.mark();
        let directive = directives::scan(&mut self.cursor)?;
        self.push_from(start, TokenKind::Directive(directive));
        Ok(())
    }

    pub(super) fn fetch_document_indicator(&mut self, kind: TokenKind) -> Result<(), Error> {
        self.unwind_indent(None);
        self.drop_possible_key()?;
        self.allows_simple_key = false;
        self.push_signs(3, kind);
        Ok(())
    }

    pub(super) fn fetch_flow_start(&mut self, kind: TokenKind) -> Result<(), Error> {
        self.save_possible_key()?;
        self.flow_level += 1;
        self.allows_simple_key = true;
        self.push_signs(1, kind);
        Ok(())
    }

    pub(super) fn fetch_flow_end(&mut self, kind: TokenKind) -> Result<(), Error> {
        self.drop_possible_key()?;
        let Some(outer) = self.flow_level.checked_sub(1) else {
            let problem = "found a closing bracket that nothing opens";
            return Err(self.error(problem).of(ErrorKind::OpenBracket));
        };
        self.flow_level = outer;
        self.allows_simple_key = false;
        self.push_signs(1, kind);
        Ok(())
    }

    pub(super) fn fetch_flow_entry(&mut self) -> Result<(), Error> {
        self.allows_simple_key = true;
        self.drop_possible_key()?;
        self.push_signs(1, TokenKind::FlowEntry);
        Ok(())
    }

    pub(super) fn fetch_block_entry(&mut self) -> Result<(), Error> {
        self.begin_in_block(
            TokenKind::BlockSequenceStart,
            "block sequence entries are not allowed in this context",
        )?;
        self.allows_simple_key = true;
        self.drop_possible_key()?;
        self.push_signs(1, TokenKind::BlockEntry);
        Ok(())
    }

    pub(super) fn fetch_key(&mut self) -> Result<(), Error> {
        self.begin_in_block(
            TokenKind::BlockMappingStart,
            "mapping keys are not allowed in this context",
        )?;
        self.allows_simple_key = self.flow_level == 0;
        self.drop_possible_key()?;
        self.push_signs(1, TokenKind::Key);
        Ok(())
    }

    pub(super) fn fetch_value(&mut self) -> Result<(), Error> {
        if let Some(key) = self.take_possible_key() {
            self.insert_key(key);
            self.allows_simple_key = false;
        } else {
            self.begin_in_block(
                TokenKind::BlockMappingStart,
                "mapping values are not allowed in this context",
            )?;
            self.allows_simple_key = self.flow_level == 0;
        }
        self.push_signs(1, TokenKind::Value);
        Ok(())
    }

    /// Outside of flow collections, an entry, a key or a value may begin a collection.
    fn begin_in_block(&mut self, start: TokenKind, problem: &str) -> Result<(), Error> {
        if self.flow_level > 0 {
            return Ok(());
        }
        if !self.allows_simple_key {
            return Err(self.error(problem).of(ErrorKind::Placement));
        }
        if self.add_indent(self.cursor.column()) {
            self.push_here(start);
        }
        Ok(())
    }

    pub(super) fn fetch_property(&mut self, sign: char) -> Result<(), Error> {
        self.save_possible_key()?;
        self.allows_simple_key = false;
        let start = self.cursor.mark();
        let kind = match sign {
            '*' => TokenKind::Alias(properties::anchor(&mut self.cursor, "an alias")?),
            '&' => TokenKind::Anchor(properties::anchor(&mut self.cursor, "an anchor")?),
            _ => TokenKind::Tag(properties::tag(&mut self.cursor)?),
        };
        self.push_from(start, kind);
        Ok(())
    }

    pub(super) fn fetch_block_scalar(&mut self) -> Result<(), Error> {
        self.allows_simple_key = true;
        self.drop_possible_key()?;
        let start = self.cursor.mark();
        let parent = self.indent;
        let text = block::scan(&mut self.cursor, parent)?;
        self.push_from(start, TokenKind::Scalar { text, plain: false });
        Ok(())
    }

    pub(super) fn fetch_quoted_scalar(&mut self) -> Result<(), Error> {
        self.save_possible_key()?;
        self.allows_simple_key = false;
        let start = self.cursor.mark();
        let text = quoted::scan(&mut self.cursor)?;
        self.push_from(start, TokenKind::Scalar { text, plain: false });
        Ok(())
    }

    pub(super) fn fetch_plain_scalar(&mut self) -> Result<(), Error> {
        self.save_possible_key()?;
        let start = self.cursor.mark();
        let in_flow = self.flow_level > 0;
        let scalar = plain::scan(&mut self.cursor, self.indent, in_flow);
        self.allows_simple_key = scalar.ends_behind_a_line_break;
        let (end, text) = (scalar.end, scalar.text);
        let kind = TokenKind::Scalar { text, plain: true };
        self.tokens.push_back(Token { start, end, kind });
        Ok(())
    }
}
