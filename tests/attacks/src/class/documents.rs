//! Files that are small to write and large to read: YAML, properties, JSON, placeholders, encrypted values.

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
    let scripts = scripts(DOCUMENTS)?;
    let bare = Bare::create(&tools.repository(NAME)?)?;
    let mut root = Folder::default();
    root.put("orders.yml", FILE, bare.blob(b"limit: 7\n")?);
    for script in &scripts {
        put(&bare, &mut root, script).with_context(|| script.id.clone())?;
    }
    bare.point("refs/heads/main", bare.commit(&root, None, b"bombs")?)?;

    let uri = format!(
        "spring.cloud.config.server.git.uri={}",
        tools.uri(NAME, judge)
    );
    let mut stage = Stage::start(tools, judge, "documents", &[uri])?;
    stage.is_normal("/orders/dev")?;
    for script in &scripts {
        let mut player = Player::default();
        for step in script.steps.iter().filter(|step| step.verb != "file") {
            let done = player.step(judge, &stage, &script.id, step);
            if !done.with_context(|| script.id.clone())? {
                bail!("{}: unknown verb: {}", script.id, step.verb);
            }
        }
        stage.look(judge, &script.id)?;
    }
    stage.end(judge)
}

fn put(bare: &Bare, root: &mut Folder, script: &Script) -> anyhow::Result<()> {
    for step in script.steps.iter().filter(|step| step.verb == "file") {
        root.put(
            &step.words,
            FILE,
            bare.blob(&expand(&step.text, &nothing)?)?,
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_can_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let bare = Bare::create(&folder.path().join("x.git")).unwrap();
        for script in scripts(DOCUMENTS).unwrap() {
            put(&bare, &mut Folder::default(), &script).unwrap();
        }
    }
}
