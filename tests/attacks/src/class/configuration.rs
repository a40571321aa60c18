//! The repository that most classes read from.

use git2::ObjectType;

use crate::judge::Judge;
use crate::repository::{Bare, FILE, Folder};
use crate::stage::{Stage, Tools};

const NAME: &str = "main.git";
const FILES: [(&str, &str); 7] = [
    ("application.yml", "shared: everyone\n"),
    ("orders.yml", "limit: 7\n"),
    (
        "orders-dev.yml",
        "limit: 8\nurl: http://${host:localhost}/\n",
    ),
    ("billing.yml", "of: billing\n"),
    ("nginx.conf", "listen 80;\n"),
    ("nginx-dev.conf", "listen 8080;\n"),
    ("sub/nginx.conf", "listen 81;\n"),
];

/// A server on a repository of branches, tags and commits of every kind; one of them was taken away by force, and it held
/// a secret.
pub(super) fn stage(
    tools: &Tools,
    judge: &Judge,
    name: &str,
    more: &[String],
) -> anyhow::Result<Stage> {
    let bare = Bare::create(&tools.repository(NAME)?)?;
    let mut root = Folder::default();
    for (path, text) in FILES {
        root.put(path, FILE, bare.blob(text.as_bytes())?);
    }
    let first = bare.commit(&root, None, b"first")?;
    let mut leaking = root.clone();
    let secret = format!("password: {}\n", judge.canaries().of("commit"));
    leaking.put("leaked.yml", FILE, bare.blob(secret.as_bytes())?);
    let leaked = bare.commit(&leaking, Some(first), b"oops")?;
    let head = bare.commit(&root, Some(first), b"secret is gone")?;

    bare.point("refs/heads/main", leaked)?;
    for name in [
        "feature/x",
        "both",
        "-x",
        "HEAD",
        "refs/heads/x",
        "a.lock.d",
    ] {
        bare.point(&format!("refs/heads/{name}"), first)?;
    }
    let tag = format!(
        "object {first}\ntype commit\ntag v1\ntagger t <t@localhost> 1700000000 +0000\n\nv1\n"
    );
    let tag = bare.object(ObjectType::Tag, tag.as_bytes())?;
    let blob = bare.blob(b"limit: 7\n")?;
    for (name, id) in [
        ("refs/tags/v1", tag),
        ("refs/tags/both", head),
        ("refs/tags/of-a-blob", blob),
        ("refs/notes/commits", leaked),
        ("refs/stash", leaked),
        ("refs/pull/1/head", leaked),
        ("refs/remotes/origin/main", leaked),
    ] {
        bare.point(name, id)?;
    }

    let mut settings = vec![
        format!(
            "spring.cloud.config.server.git.uri={}",
            tools.uri(NAME, judge)
        ),
        "spring.cloud.config.server.git.refresh-rate=30".to_owned(),
    ];
    settings.extend(more.iter().cloned());
    let mut stage = Stage::start(tools, judge, name, &settings)?;
    stage.is_normal("/orders/dev")?;
    bare.point("refs/heads/main", head)?;
    for name in [
        "refs/notes/commits",
        "refs/stash",
        "refs/pull/1/head",
        "refs/remotes/origin/main",
    ] {
        bare.point(name, first)?;
    }
    let refresh = crate::http::request("POST", b"/actuator/busrefresh", &stage.login, b"");
    _ = crate::http::send(
        stage.server.port,
        &refresh,
        std::time::Duration::from_secs(20),
    );
    stage.is_normal("/orders/dev")?;
    let tree = git2::Repository::open(tools.repositories.join(NAME))?
        .find_commit(head)?
        .tree_id();
    for (name, id) in [
        ("head", head),
        ("first", first),
        ("leaked", leaked),
        ("tag", tag),
        ("blob", blob),
        ("tree", tree),
    ] {
        stage.known.insert(name.to_owned(), id.to_string());
    }
    let short = head.to_string()[..7].to_owned();
    stage.known.insert("short".to_owned(), short);
    // What was said until here came from the commit that was still there.
    stage.server.news()?;
    Ok(stage)
}
