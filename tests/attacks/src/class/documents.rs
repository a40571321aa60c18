//! Files that are small to write and large to read: YAML, properties, JSON, placeholders, encrypted values. Each attack has a
//! repository and a server of its own, so that what it costs is known.

use anyhow::{Context as _, bail};

use super::player::Player;
use crate::corpus::{Script, scripts};
use crate::judge::Judge;
use crate::repository::{Bare, FILE, Folder};
use crate::stage::{Stage, Tools};
use crate::text::{expand, nothing};

const DOCUMENTS: &str = include_str!("../../corpus/documents.txt");
const NAME: &str = "documents.git";

pub(super) fn play(tools: &Tools, judge: &mut Judge) -> anyhow::Result<()> {
    for script in scripts(DOCUMENTS)? {
        one(tools, judge, &script).with_context(|| script.id.clone())?;
    }
    Ok(())
}

fn one(tools: &Tools, judge: &mut Judge, script: &Script) -> anyhow::Result<()> {
    let bare = Bare::create(&tools.repository(NAME)?)?;
    make(&bare, script)?;
    let uri = format!(
        "spring.cloud.config.server.git.uri={}",
        tools.uri(NAME, judge)
    );
    let mut stage = Stage::start(tools, judge, "documents", &[uri])?;
    stage.is_normal("/orders/dev")?;
    let mut player = Player::default();
    for step in script.steps.iter().filter(|step| step.verb != "file") {
        if !player.step(judge, &stage, &script.id, step)? {
            bail!("unknown verb: {}", step.verb);
        }
    }
    stage.look(judge, &script.id)?;
    stage.end(judge, &script.id)
}

/// The files of a script, beside one that everybody else reads.
fn make(bare: &Bare, script: &Script) -> anyhow::Result<()> {
    let mut root = Folder::default();
    root.put("orders.yml", FILE, bare.blob(b"limit: 7\n")?);
    for step in script.steps.iter().filter(|step| step.verb == "file") {
        root.put(
            &step.words,
            FILE,
            bare.blob(&expand(&step.text, &nothing)?)?,
        );
    }
    let commit = bare.commit(&root, None, b"bombs")?;
    bare.point("refs/heads/main", commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_can_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let bare = Bare::create(&folder.path().join("x.git")).unwrap();
        for script in scripts(DOCUMENTS).unwrap() {
            make(&bare, &script).unwrap();
        }
    }
}
