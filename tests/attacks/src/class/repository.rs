//! What a repository may hold that no configuration is: each attack is a repository of its own, which the name of the
//! application chooses.
//!
//! | verb | does |
//! | --- | --- |
//! | `file PATH`, `mode MODE PATH` | a file, with this mode |
//! | `link PATH TARGET` | a symbolic link |
//! | `submodule PATH` | a repository within the repository |
//! | `raw MODE NAME` | an entry of the uppermost folder, whatever its name |
//! | `many N`, `deep N`, `refs N` | so many files, folders in each other, branches |
//! | `ref NAME`, `own FILE` | a ref to the commit; a file of the repository itself |
//! | `message` | the commit's message |

use anyhow::{Context as _, bail};
use git2::{ObjectType, Oid};

use super::player::Player;
use crate::corpus::{Script, Step, scripts};
use crate::judge::Judge;
use crate::repository::{Bare, FILE, Folder, LINK};
use crate::stage::{Stage, Tools};
use crate::text::{expand, nothing};

const REPOSITORY: &str = include_str!("../../corpus/repository.txt");

pub(super) fn play(tools: &Tools, judge: &mut Judge) -> anyhow::Result<()> {
    let scripts = scripts(REPOSITORY)?;
    for script in &scripts {
        make(tools, judge, script).with_context(|| script.id.clone())?;
    }
    over(tools, judge, "repository", &scripts)?;
    if tools.git_port.is_some() && !tools.quick {
        // Read where they lie, without a Git in between that refuses some.
        let here = Tools {
            git_port: None,
            ..tools.clone()
        };
        over(&here, judge, "repository-here", &scripts)?;
    }
    Ok(())
}

fn over(tools: &Tools, judge: &mut Judge, name: &str, scripts: &[Script]) -> anyhow::Result<()> {
    let uri = tools.uri("{application}.git", judge);
    let settings = [
        format!("spring.cloud.config.server.git.uri={uri}"),
        "spring.cloud.config.server.git.refresh-rate=30".to_owned(),
    ];
    let mut stage = Stage::start(tools, judge, name, &settings)?;
    // Each repository has a worker of its own.
    stage.slack += 4 * scripts.len();
    let target = scripts.first().map(|script| format!("/{}/dev", script.id));
    stage.is_normal(&target.context("no scripts")?)?;
    for script in scripts {
        let mut player = Player::default();
        for step in &script.steps {
            player.step(judge, &stage, &script.id, step)?;
        }
        stage.look(judge, &script.id)?;
    }
    stage.end(judge, "end")
}

/// A commit that is being made.
struct Draft<'b> {
    bare: &'b Bare,
    root: Folder,
    message: Vec<u8>,
    refs: Vec<String>,
}

fn make(tools: &Tools, judge: &Judge, script: &Script) -> anyhow::Result<()> {
    let bare = Bare::create(&tools.repository(&format!("{}.git", script.id))?)?;
    let outside = tools.repositories.join("canary-outside");
    std::fs::write(outside, judge.canaries().of("link"))?;
    let mut draft = Draft {
        bare: &bare,
        root: Folder::default(),
        message: b"attack".to_vec(),
        refs: Vec::new(),
    };
    let mut is_empty = true;
    for step in &script.steps {
        is_empty &= !draft.step(step)?;
    }
    if is_empty {
        return Ok(());
    }
    let commit = bare.commit(&draft.root, None, &draft.message)?;
    for name in &draft.refs {
        bare.point(name, commit)?;
    }
    if draft.refs.is_empty() {
        bare.point("refs/heads/main", commit)?;
    }
    if let Some(step) = script.steps.iter().find(|step| step.verb == "refs") {
        let count: usize = step.words.parse()?;
        let line = |number| format!("{commit} refs/heads/b{number:06}\n");
        let lines: String = (0..count).map(line).collect();
        bare.write_file("packed-refs", lines.as_bytes())?;
    }
    Ok(())
}

impl Draft<'_> {
    /// Whether it puts something into the commit.
    fn step(&mut self, step: &Step) -> anyhow::Result<bool> {
        let (first, rest) = step.words.split_once(' ').unwrap_or((&step.words, ""));
        match &*step.verb {
            "file" => self.root.put(&step.words, FILE, self.blob(step)?),
            "mode" => self.root.put(rest, first, self.blob(step)?),
            "link" => {
                let target = self.bare.blob(&expand(rest, &nothing)?)?;
                self.root.put(first, LINK, target);
            }
            "submodule" => self.root.put(first, "160000", Oid::from_bytes(&[7; 20])?),
            "raw" => {
                let id = if first == "40000" {
                    self.bare.object(ObjectType::Tree, b"")?
                } else {
                    self.blob(step)?
                };
                self.root.put_raw(&expand(rest, &nothing)?, first, id);
            }
            "many" => {
                let blob = self.bare.blob(b"a: 1\n")?;
                for number in 0..first.parse()? {
                    self.root.put(&format!("many/{number:07}.yml"), FILE, blob);
                }
            }
            "deep" => {
                let path = "d/".repeat(first.parse()?) + "x.yml";
                self.root.put(&path, FILE, self.bare.blob(b"a: 1\n")?);
            }
            "ref" => self.refs.push(step.words.clone()),
            "own" => {
                let text = expand(&step.text, &nothing)?;
                self.bare.write_file(&step.words, &text)?;
                return Ok(false);
            }
            "message" => self.message = expand(&step.text, &nothing)?,
            "refs" | "ask" | "with" | "without" | "why" => return Ok(false),
            verb => bail!("unknown verb: {verb}"),
        }
        Ok(true)
    }

    fn blob(&self, step: &Step) -> anyhow::Result<Oid> {
        self.bare.blob(&expand(&step.text, &nothing)?)
    }
}
