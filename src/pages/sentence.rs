use super::{fleet::Counts, links::short, sign::Sign};

/// One sentence about some instances: `9f2c1ab is live on 47 of 50 instances; 3 rejected it.`
pub(super) fn sentence(counts: &Counts, wanted: Option<&str>) -> String {
    let all = counts.all();
    if all == 0 {
        return "No instance has named itself yet.".to_owned();
    }
    let what = wanted.map_or("What is wanted", short);
    let noun = if all == 1 { "instance" } else { "instances" };
    let mut text = format!("{what} is live on {} of {all} {noun}", counts.live());
    let waiting = counts.of(Sign::Told) + counts.of(Sign::Applying);
    let are = |count: usize| if count == 1 { "is" } else { "are" };
    let others = [
        (counts.of(Sign::Rejected), "rejected it".to_owned()),
        (waiting, format!("{} on the way", are(waiting))),
        (counts.of(Sign::Served), "only read it".to_owned()),
        (
            counts.of(Sign::Silent),
            format!("{} silent", are(counts.of(Sign::Silent))),
        ),
    ];
    let others = others.iter().filter(|(count, _)| *count > 0);
    let others: Vec<_> = others
        .map(|(count, does)| format!("{count} {does}"))
        .collect();
    if !others.is_empty() {
        text += "; ";
        text += &others.join(", ");
    }
    text + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_far_a_commit_is() {
        let of = |signs: &[(Sign, usize)]| {
            let mut counts = Counts::default();
            for (sign, count) in signs {
                (0..*count).for_each(|_| counts.add(*sign));
            }
            counts
        };
        let commit = "9f2c1ab0".repeat(5);
        for (signs, expected) in [
            (&[][..], "No instance has named itself yet."),
            (&[(Sign::Live, 1)], "9f2c1ab is live on 1 of 1 instance."),
            (
                &[(Sign::Live, 40), (Sign::Acked, 7), (Sign::Rejected, 3)],
                "9f2c1ab is live on 47 of 50 instances; 3 rejected it.",
            ),
            (
                &[
                    (Sign::Same, 1),
                    (Sign::Told, 1),
                    (Sign::Served, 2),
                    (Sign::Silent, 1),
                ],
                "9f2c1ab is live on 1 of 5 instances; 1 is on the way, 2 only read it, 1 is silent.",
            ),
        ] {
            assert_eq!(sentence(&of(signs), Some(&commit)), expected);
        }
        let several = sentence(&of(&[(Sign::Live, 2)]), None);
        assert_eq!(several, "What is wanted is live on 2 of 2 instances.");
    }
}
