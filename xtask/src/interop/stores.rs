//! `cargo xtask interop stores`: both servers read the same Redis and the same PostgreSQL.

mod postgres;
mod redis;
mod requests;

use super::Tally;
use super::repository::Repository;
use super::server::Programs;
use postgres::Postgres;
use redis::Redis;

/// Settings that are compared together, the address of the repository left out.
struct Way {
    name: &'static str,
    settings: &'static [(&'static str, &'static str)],
}

const ACTIVE: &str = "spring.profiles.active";

macro_rules! below {
    ($key:literal) => {
        concat!("spring.cloud.config.server.", $key)
    };
}

const WAYS: [Way; 8] = [
    Way {
        name: "redis",
        settings: &[(ACTIVE, "redis")],
    },
    Way {
        name: "jdbc",
        settings: &[(ACTIVE, "jdbc")],
    },
    Way {
        name: "jdbc with one statement",
        settings: &[
            (ACTIVE, "jdbc"),
            (
                below!("jdbc.sql"),
                "SELECT \"KEY\", \"VALUE\" from PROPERTIES where APPLICATION=? and PROFILE=? and LABEL=? and \"KEY\" <> '?'",
            ),
            (below!("jdbc.default-label"), "v1"),
        ],
    },
    Way {
        name: "jdbc with two statements",
        settings: &[
            (ACTIVE, "jdbc"),
            (
                below!("jdbc.sql"),
                "SELECT k, n from typed where a=? and p=? and l=?",
            ),
            (
                below!("jdbc.sql-without-profile"),
                "SELECT k, t from typed where a=? and l=? and p is null",
            ),
        ],
    },
    Way {
        name: "jdbc and redis",
        settings: &[(ACTIVE, "jdbc,redis")],
    },
    Way {
        name: "redis and git",
        settings: &[(ACTIVE, "redis,git"), (below!("git.uri"), REPOSITORY)],
    },
    Way {
        name: "a composite",
        settings: &[
            (ACTIVE, "composite"),
            (below!("composite[0].type"), "redis"),
            (below!("composite[1].type"), "jdbc"),
            (below!("composite[2].type"), "git"),
            (below!("composite[2].uri"), REPOSITORY),
        ],
    },
    Way {
        name: "a composite in another order",
        settings: &[
            (ACTIVE, "composite"),
            (below!("composite[0].type"), "redis"),
            (below!("composite[0].order"), "9"),
            (below!("composite[1].type"), "jdbc"),
            (below!("composite[1].default-label"), "v2"),
            (below!("overrides.who"), "forced"),
        ],
    },
];

/// Stands for the path of the repository.
const REPOSITORY: &str = "REPOSITORY";

/// Runs every way; a server that does not start ends the run.
pub(super) fn run() -> anyhow::Result<Tally> {
    let redis = Redis::start()?;
    let postgres = Postgres::start()?;
    let programs = Programs::with_stores()?;
    let mut tally = Tally::default();
    for way in WAYS {
        tally.count(way.name, |tally| {
            compare(&programs, &redis, &postgres, &way, tally)
        })?;
    }
    Ok(tally)
}

fn compare(
    programs: &Programs,
    redis: &Redis,
    postgres: &Postgres,
    way: &Way,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let repository = Repository::create(folder.path().join("repository"))?;
    repository.commit(&[
        ("orders.yml", "who: git\nonly: git\n"),
        ("application.yml", "s: 1\n"),
    ])?;
    let mut settings = vec![
        format!("--spring.data.redis.port={}", redis.port()),
        format!("--spring.datasource.url={}", postgres.url()),
        "--spring.datasource.username=confbus".to_owned(),
        // Whether both are ready is asked of `/encrypt/status`.
        "--encrypt.key=unused".to_owned(),
    ];
    let of_way = way.settings.iter();
    settings.extend(of_way.map(|(key, value)| {
        let value = value.replace(REPOSITORY, &repository.path().display().to_string());
        format!("--{key}={value}")
    }));
    let ours = programs.confbus(&settings, folder.path())?;
    let theirs = programs.spring(&settings, folder.path())?;
    for path in requests::PATHS {
        let expected = requests::send(&theirs, path)?;
        let what = format!("{}, {path}", way.name);
        tally.check(&what, &requests::send(&ours, path), &expected);
    }
    Ok(())
}
