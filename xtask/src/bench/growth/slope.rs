//! How steep a line through measured points is.

use anyhow::{Context as _, ensure};

/// The exponent `b` of the `a · x^b` that lies nearest to the points: 0 when `y` does not grow, 1 when it grows as `x` does.
///
/// # Errors
/// Fewer than two different points, or a figure that is not above zero.
pub(super) fn log_log(points: &[(f64, f64)]) -> anyhow::Result<f64> {
    ensure!(
        points.iter().all(|&(x, y)| x > 0.0 && y > 0.0),
        "not all figures are above zero: {points:?}"
    );
    let logarithms: Vec<_> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    slope(&logarithms).context("one point has no slope")
}

/// By least squares.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let (mut above, mut below) = (0.0, 0.0);
    for (x, y) in points {
        above += (x - mean_x) * (y - mean_y);
        below += (x - mean_x).powi(2);
    }
    (below > 0.0).then(|| above / below)
}

#[cfg(test)]
mod tests {
    use super::log_log;

    #[test]
    fn the_slope_is_the_exponent() {
        let curve = |exponent: f64| {
            let points = [1.0_f64, 10.0, 1000.0].map(|x| (x, 7.0 * x.powf(exponent)));
            (log_log(&points).unwrap() * 1e6).round() / 1e6
        };
        assert_eq!(curve(0.0), 0.0);
        assert_eq!(curve(1.0), 1.0);
        assert_eq!(curve(-0.5), -0.5);
    }

    #[test]
    fn a_single_point_has_none() {
        assert!(log_log(&[(1.0, 2.0)]).is_err());
        assert!(log_log(&[(1.0, 0.0), (2.0, 1.0)]).is_err());
    }
}
