//! Horizontal bars on a logarithmic axis, with the range of the rounds and a mark at the target.

use super::super::table::number;
use super::svg::{Anchor, Svg};

const WIDTH: f64 = 1040.0;
/// Where bars begin; labels lie left of it.
const LEFT: f64 = 410.0;
/// Where the axis ends; figures lie right of it.
const RIGHT: f64 = 780.0;
const TOP: f64 = 52.0;
const ROW: f64 = 24.0;
const BAR: f64 = 13.0;

/// The axis goes at least from the one to the other, in powers of two.
const LEAST: (i32, i32) = (-1, 2);
/// Whatever is farther away ends at the edge.
const MOST: (i32, i32) = (-6, 6);

pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: f64,
    /// Of all rounds.
    pub(super) range: (f64, f64),
    pub(super) target: f64,
    /// Decides the colour.
    pub(super) met: Option<bool>,
    /// Behind the bar.
    pub(super) text: String,
}

pub(super) struct Bars<'a> {
    pub(super) title: &'a str,
    pub(super) rows: &'a [Bar],
}

impl Bars<'_> {
    pub(super) fn draw(&self) -> String {
        let bottom = TOP + ROW * self.rows.len() as f64;
        let mut svg = Svg::new(WIDTH, bottom + 16.0);
        svg.text("title", (12.0, 22.0), Anchor::Start, self.title);
        let axis = Axis::around(self.rows);
        for power in axis.from..=axis.to {
            let value = f64::from(power).exp2();
            let x = axis.x(value);
            svg.line("axis", (x, TOP - 4.0), (x, bottom));
            // Small fractions need the room of two.
            if axis.to - axis.from < 6 || power % 2 == 0 {
                svg.text("faint", (x, TOP - 8.0), Anchor::Middle, &number(value));
            }
        }
        for (index, row) in self.rows.iter().enumerate() {
            row.draw(&axis, TOP + ROW * index as f64, &mut svg);
        }
        svg.finish(self.title)
    }
}

impl Bar {
    fn draw(&self, axis: &Axis, top: f64, svg: &mut Svg) {
        let middle = top + ROW / 2.0;
        let class = match self.met {
            Some(true) => "good",
            Some(false) => "bad",
            None => "plain",
        };
        let end = axis.x(self.value);
        svg.text("", (LEFT - 10.0, middle + 4.0), Anchor::End, &self.label);
        svg.rectangle(class, (LEFT, middle - BAR / 2.0), (end - LEFT, BAR));
        svg.line(
            "range",
            (axis.x(self.range.0), middle),
            (axis.x(self.range.1), middle),
        );
        let target = axis.x(self.target);
        svg.line(
            "target",
            (target, middle - ROW / 2.5),
            (target, middle + ROW / 2.5),
        );
        svg.text("", (RIGHT + 10.0, middle + 4.0), Anchor::Start, &self.text);
    }
}

/// Powers of two from left to right.
struct Axis {
    from: i32,
    to: i32,
}

impl Axis {
    fn around(rows: &[Bar]) -> Self {
        let logs = || rows.iter().map(|row| row.value.log2());
        let lowest = logs().fold(f64::from(LEAST.0), f64::min).floor() as i32;
        let highest = logs().fold(f64::from(LEAST.1), f64::max).ceil() as i32;
        Self {
            from: lowest.max(MOST.0),
            to: highest.min(MOST.1),
        }
    }

    fn x(&self, value: f64) -> f64 {
        let (from, to) = (f64::from(self.from), f64::from(self.to));
        let share = (value.log2() - from) / (to - from);
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(value: f64) -> Bar {
        Bar {
            label: "W1".to_owned(),
            value,
            range: (value, value),
            target: 1.0,
            met: None,
            text: String::new(),
        }
    }

    #[test]
    fn the_axis_holds_every_bar_within_its_limits() {
        let axis = Axis::around(&[bar(0.2), bar(7.0)]);
        assert_eq!((axis.from, axis.to), (-3, 3));
        assert_eq!(axis.x(0.125), LEFT);
        assert_eq!(axis.x(8.0), RIGHT);
        let axis = Axis::around(&[bar(1e9), bar(0.0)]);
        assert_eq!((axis.from, axis.to), MOST);
        assert_eq!(axis.x(0.0), LEFT);
    }
}
