/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Prometheus' own text, version 0.0.4.
    Plain,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Form {
    /// What somebody accepts; who says nothing of OpenMetrics gets the older text.
    pub(crate) fn of(accept: &str) -> Self {
        let mut ranges = accept.split(',').map(str::trim);
        let is_meant = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let is_type = parts
                .next()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("application/openmetrics-text"));
            is_type && parts.all(|part| !matches!(part, "q=0" | "q=0.0" | "version=0.0.1"))
        };
        if ranges.any(is_meant) {
            Self::OpenMetrics
        } else {
            Self::Plain
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The older text: a counter is described by its whole name, and nothing marks the end.
pub(super) fn without_openmetrics(page: &str) -> String {
    let mut written = String::with_capacity(page.len());
    // Its help comes before its type.
    let mut help: Option<(&str, &str)> = None;
    for line in page.lines().filter(|line| *line != "# EOF") {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ');
            continue;
        }
        let (Some(kind), Some((name, said))) = (line.strip_prefix("# TYPE "), help.take()) else {
            written.push_str(line);
            written.push('\n');
            continue;
        };
        let kind = kind.rsplit(' ').next().unwrap_or_default();
        let end = if kind == "counter" { "_total" } else { "" };
        written.push_str(&format!(
            "# HELP {name}{end} {said}\n# TYPE {name}{end} {kind}\n"
        ));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_openmetrics_is_given_it() {
        use Form::{OpenMetrics, Plain};
        for (accept, expected) in [
            ("", Plain),
            ("*/*", Plain),
            ("text/plain;version=0.0.4", Plain),
            (
                "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
                OpenMetrics,
            ),
            (
                "text/plain, application/openmetrics-text; version=1.0.0; q=0.8",
                OpenMetrics,
            ),
            ("application/openmetrics-text;version=0.0.1", Plain),
            ("application/openmetrics-text;q=0", Plain),
        ] {
            assert_eq!(Form::of(accept), expected, "{accept}");
        }
    }
}
