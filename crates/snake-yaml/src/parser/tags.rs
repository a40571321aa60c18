//! What the handles of tags stand for, by the directives before a document.

use std::collections::HashMap;

use crate::scanner::Scanner;
use crate::token::{Directive, Tag, TokenKind};
use crate::{Error, ErrorKind, Mark};

const STANDARD: &str = "tag:yaml.org,2002:";

/// Handles stay declared for the documents that follow; only `!` and `!!` are as before.
#[derive(Debug, Default)]
pub(super) struct TagHandles {
    declared: HashMap<String, String>,
}

impl TagHandles {
    /// Takes the directives before a document.
    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Error> {
        self.declared.remove("!");
        self.declared.remove("!!");
        let mut has_version = false;
        while matches!(scanner.peek()?.kind, TokenKind::Directive(_)) {
            let token = scanner.next()?;
            let TokenKind::Directive(directive) = token.kind else {
                continue;
            };
            match directive {
                Directive::Yaml(_) if has_version => {
                    return Err(Error::at(token.start, "found duplicate %YAML directive"));
                }
                Directive::Yaml(1) => has_version = true,
                Directive::Yaml(_) => {
                    return Err(Error::at(token.start, "found incompatible YAML document"));
                }
                Directive::Tag { handle, prefix } => {
                    if self.declared.insert(handle, prefix).is_some() {
                        return Err(Error::at(token.start, "found duplicate %TAG directive"));
                    }
                }
                Directive::Unknown => {}
            }
        }
        Ok(())
    }

    /// The tag in full.
    pub(super) fn resolve(&self, tag: Tag, mark: Mark) -> Result<String, Error> {
        let Some(handle) = tag.handle else {
            return Ok(tag.suffix);
        };
        let prefix = match (self.declared.get(&handle), handle.as_str()) {
            (Some(prefix), _) => prefix,
            (None, "!") => "!",
            (None, "!!") => STANDARD,
            _ => return Err(Error::at(mark, "found undefined tag handle").of(ErrorKind::Tag)),
        };
        Ok(format!("{prefix}{}", tag.suffix))
    }
}
