//! Labels that Git would understand and a server must not, and those that stand for what is no longer there.

use anyhow::Context as _;

use super::configuration;
use crate::corpus::rows;
use crate::http::request;
use crate::judge::Judge;
use crate::stage::Tools;
use crate::text::{encoded, expand};

const PAYLOADS: &str = include_str!("../../corpus/labels.txt");
/// Every place of a label.
const TARGETS: [&str; 6] = [
    "/orders/dev/{}",
    "/leaked/dev/{}",
    "/{}/orders-dev.yml",
    "/{}/leaked-dev.json",
    "/orders/dev/{}/nginx.conf",
    "/leaked/dev/{}/leaked.yml",
];

pub(super) fn play(tools: &Tools, judge: &mut Judge) -> anyhow::Result<()> {
    let mut stage = configuration::stage(tools, judge, "labels", &[])?;
    for row in rows(PAYLOADS)? {
        let known = |name: &str| stage.known.get(name).cloned();
        let payload = expand(&row.payload, &known).with_context(|| row.id.clone())?;
        // Where one row is many labels, each is asked for once.
        for label in payload.split(|byte| *byte == b'\n') {
            let forms = [label.to_vec(), encoded(label), encoded(&encoded(label))];
            let forms = forms.iter().zip(&row.expected);
            for (text, expected) in forms.take(if tools.quick { 2 } else { 3 }) {
                for target in TARGETS {
                    let (before, after) = target.split_once("{}").context("no {}")?;
                    let target = [before.as_bytes(), text, after.as_bytes()].concat();
                    let bytes = request("GET", &target, &stage.login, b"");
                    stage.play(judge, &row.id, &bytes, expected);
                }
            }
        }
        stage.look(judge, &row.id)?;
    }
    stage.end(judge, "end")
}
