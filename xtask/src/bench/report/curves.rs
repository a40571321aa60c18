//! Growth: costs over sizes, both axes logarithmic, each curve divided by its first value so that slopes can be compared.

use super::super::table::number;
use super::svg::{Anchor, Svg};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 980.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 380.0;
const LEGEND_ROW: f64 = 18.0;

/// Told apart by hue and by order in the legend, on either ground.
const COLORS: [&str; 8] = [
    "#4b8bd8", "#d9822b", "#3f9d5d", "#c2504e", "#8a6fc0", "#a3823a", "#c56aa7", "#5c9ea8",
];

/// One curve: its name and its points, size and cost, in the order of sizes.
pub(super) type Series<'a> = (String, &'a [[f64; 2]]);

pub(super) fn draw(title: &str, series: &[Series<'_>]) -> String {
    let height = BOTTOM + 40.0 + LEGEND_ROW * series.len() as f64;
    let mut svg = Svg::new(WIDTH, height);
    svg.text("title", (12.0, 22.0), Anchor::Start, title);
    let relative: Vec<Vec<[f64; 2]>> = series.iter().map(|(_, points)| relative(points)).collect();
    let across = Axis::around(relative.iter().flatten().map(|point| point[0]));
    let up = Axis::around(relative.iter().flatten().map(|point| point[1]));
    let place = |[x, y]: [f64; 2]| {
        (
            LEFT + across.share(x) * (RIGHT - LEFT),
            BOTTOM - up.share(y) * (BOTTOM - TOP),
        )
    };
    for value in across.ticks() {
        let (x, _) = place([value, 1.0]);
        svg.line("axis", (x, TOP), (x, BOTTOM));
        svg.text("faint", (x, BOTTOM + 16.0), Anchor::Middle, &number(value));
    }
    for value in up.ticks() {
        let (_, y) = place([1.0, value]);
        svg.line("axis", (LEFT, y), (RIGHT, y));
        svg.text("faint", (LEFT - 6.0, y + 4.0), Anchor::End, &number(value));
    }
    for (index, points) in relative.iter().enumerate() {
        let color = COLORS[index % COLORS.len()];
        let points: Vec<_> = points.iter().copied().map(place).collect();
        svg.curve(color, &points);
        let y = BOTTOM + 40.0 + LEGEND_ROW * index as f64;
        svg.curve(color, &[(LEFT, y - 4.0), (LEFT + 24.0, y - 4.0)]);
        svg.text("", (LEFT + 32.0, y), Anchor::Start, &series[index].0);
    }
    svg.finish(title)
}

/// Costs as multiples of the first one; what has no logarithm is left out.
fn relative(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let drawable = |point: &&[f64; 2]| point.iter().all(|&value| value > 0.0 && value.is_finite());
    let first = points.iter().find(drawable).map_or(1.0, |point| point[1]);
    let drawable = points.iter().filter(drawable);
    drawable.map(|&[size, cost]| [size, cost / first]).collect()
}

/// Powers of ten.
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    fn around(values: impl Iterator<Item = f64>) -> Self {
        let (from, to) = values.fold((0.0_f64, 1.0_f64), |(from, to), value| {
            let log = value.log10();
            (from.min(log.floor()), to.max(log.ceil()))
        });
        Self { from, to }
    }

    fn share(&self, value: f64) -> f64 {
        (value.log10() - self.from) / (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.from as i32..=self.to as i32).map(|power| 10_f64.powi(power))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_relative_to_the_first_that_can_be_drawn() {
        let points = [[0.0, 7.0], [1.0, 2.0], [10.0, 4.0]];
        assert_eq!(relative(&points), [[1.0, 1.0], [10.0, 2.0]]);
    }

    #[test]
    fn an_axis_ends_at_powers_of_ten() {
        let axis = Axis::around([30.0, 0.5].into_iter());
        assert_eq!((axis.from, axis.to), (-1.0, 2.0));
        assert_eq!(axis.ticks().count(), 4);
        assert_eq!(axis.share(100.0), 1.0);
    }
}
