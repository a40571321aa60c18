//! As much SVG as charts need; readable on light and on dark ground.

use std::fmt::Write as _;

/// Follows what the reader's system prefers.
const STYLE: &str = "\
:root { --ink: #1f2328; --faint: #8b949e; --good: #2f7d4f; --bad: #c4432b; --plain: #4b6fa8; --ground: #ffffff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --faint: #7d8590; --good: #4fae77; --bad: #ef7c66; --plain: #7fa3dc; --ground: #0d1117 }
}
text { font: 12px system-ui, sans-serif; fill: var(--ink) }
.title { font-size: 14px; font-weight: 600 }
.faint { fill: var(--faint) }
.axis { stroke: var(--faint); stroke-width: 0.5 }
.target { stroke: var(--ink); stroke-width: 2 }
.range { stroke: var(--ink); stroke-width: 1 }
.good { fill: var(--good) } .bad { fill: var(--bad) } .plain { fill: var(--plain) }
.curve { fill: none; stroke-width: 2 }
.ground { fill: var(--ground) }
";

/// A drawing under way; lengths are pixels, counted from the upper left corner.
pub(super) struct Svg {
    body: String,
    width: f64,
    height: f64,
}

/// Which end of a text is at its place.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        let mut svg = Self {
            body: String::new(),
            width,
            height,
        };
        svg.rectangle("ground", (0.0, 0.0), (width, height));
        svg
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.element(format_args!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.element(format_args!(
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        ));
    }

    pub(super) fn rectangle(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
    ) {
        self.element(format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#
        ));
    }

    /// A line through all points.
    pub(super) fn curve(&mut self, color: &str, points: &[(f64, f64)]) {
        let points: Vec<_> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let points = points.join(" ");
        self.element(format_args!(
            r#"<polyline class="curve" stroke="{color}" points="{points}"/>"#
        ));
    }

    /// The whole file; `title` is for those who do not see it.
    pub(super) fn finish(self, title: &str) -> String {
        let Self {
            body,
            width,
            height,
        } = self;
        let title = escaped(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n{body}</svg>\n"
        )
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{element}").expect("a string takes everything");
    }
}

/// Text as it may stand in an element or in quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_an_element() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.text("faint", (1.0, 2.0), Anchor::Start, "<a> & \"b\"");
        let svg = svg.finish("t & t");
        assert!(
            svg.contains("&lt;a&gt; &amp; &quot;b&quot;</text>"),
            "{svg}"
        );
        assert!(svg.contains("<title>t &amp; t</title>"), "{svg}");
        assert!(svg.contains("prefers-color-scheme: dark"));
    }
}
