use std::{fmt::Write as _, time::Duration};

/// A query with the placeholders of JDBC, as PostgreSQL reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    sql: String,
    placeholders: usize,
}

impl Statement {
    /// Of `?` becomes `$1` and so on, of `??` a plain `?`; texts, names and comments stay. Of each row the first two columns
    /// are read, as text whatever they are.
    pub(crate) fn new(jdbc: &str) -> Self {
        let (mut numbered, mut placeholders) = (String::with_capacity(jdbc.len()), 0);
        let mut rest = jdbc.trim().trim_end_matches([';', ' ', '\n']);
        while let Some(first) = rest.chars().next() {
            let whole = untouched(rest);
            if whole > 0 {
                numbered.push_str(&rest[..whole]);
                rest = &rest[whole..];
                continue;
            }
            if let Some(after) = rest.strip_prefix("??") {
                numbered.push('?');
                rest = after;
                continue;
            }
            if first == '?' {
                placeholders += 1;
                // Writing to a text does not fail.
                _ = write!(numbered, "${placeholders}");
            } else {
                numbered.push(first);
            }
            rest = &rest[first.len_utf8()..];
        }
        // The line break ends a comment.
        let sql = format!(
            "SELECT confbus.k::text, confbus.v::text FROM ({numbered}\n) AS confbus (k, v)"
        );
        Self { sql, placeholders }
    }

    pub(crate) fn placeholders(&self) -> usize {
        self.placeholders
    }

    pub(super) fn sql(&self) -> &str {
        &self.sql
    }
}

/// The bytes of a text, a quoted name or a comment that begins here.
fn untouched(rest: &str) -> usize {
    let until = |begin: &str, end: &str| {
        let inner = rest.strip_prefix(begin)?;
        let length = inner.find(end).map_or(inner.len(), |at| at + end.len());
        Some(begin.len() + length)
    };
    // A doubled quote begins a text anew, which changes nothing.
    let plain = [("'", "'"), ("\"", "\""), ("--", "\n"), ("/*", "*/")];
    let plain = plain.iter().find_map(|(begin, end)| until(begin, end));
    plain
        .or_else(|| until(dollar_quote(rest)?, dollar_quote(rest)?))
        .unwrap_or(0)
}

/// `$$` or `$tag$`.
fn dollar_quote(rest: &str) -> Option<&str> {
    let tag = rest.strip_prefix('$')?;
    let end = tag.find('$')?;
    let is_tag = tag[..end].chars().all(|c| c.is_alphanumeric() || c == '_');
    is_tag.then(|| &rest[..end + 2])
}

/// Begins a transaction that reads one moment, changes nothing, and does not take longer than this.
pub(super) fn begin(timeout: Duration, schema: &Option<String>) -> String {
    let mut begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {}",
        timeout.as_millis().max(1)
    );
    if let Some(schema) = schema {
        let schema = schema.replace('\'', "''");
        // Writing to a text does not fail.
        _ = write!(
            begin,
            "; SELECT set_config('search_path', '{schema}', true)"
        );
    }
    begin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_where_they_are_placeholders() {
        let check = |jdbc: &str, expected: &str, placeholders: usize| {
            let statement = Statement::new(jdbc);
            let inner = statement.sql.split_once('(').unwrap().1;
            assert_eq!(inner.rsplit_once("\n)").unwrap().0, expected);
            assert_eq!(statement.placeholders(), placeholders, "{jdbc}");
        };
        check(
            "SELECT a, b FROM c WHERE d=? AND e=?;",
            "SELECT a, b FROM c WHERE d=$1 AND e=$2",
            2,
        );
        check(
            "SELECT '?''?', \"?\" -- ?\n, ?",
            "SELECT '?''?', \"?\" -- ?\n, $1",
            1,
        );
        check(
            "SELECT /* ? */ $$ ? $$, $x$ ? $ $x$, ?",
            "SELECT /* ? */ $$ ? $$, $x$ ? $ $x$, $1",
            1,
        );
        check("SELECT j ?? 'k' WHERE é=?", "SELECT j ? 'k' WHERE é=$1", 1);
        check("SELECT 'open ?", "SELECT 'open ?", 0);
    }

    #[test]
    fn a_transaction_is_bounded() {
        let schema = Some("it's".to_owned());
        let begin = begin(Duration::from_secs(5), &schema);
        assert!(begin.contains("statement_timeout = 5000;"), "{begin}");
        assert!(begin.ends_with("'search_path', 'it''s', true)"), "{begin}");
    }
}
