//! What both servers are told.

use super::requests::Order;

/// Settings that are compared together, the addresses left out.
pub(super) struct Way {
    pub(super) name: &'static str,
    /// Of the keys of a source.
    pub(super) order: Order,
    pub(super) settings: &'static [(&'static str, &'static str)],
}

const ACTIVE: &str = "spring.profiles.active";

macro_rules! below {
    ($key:literal) => {
        concat!("spring.cloud.config.server.", $key)
    };
}

/// Of Redis and PostgreSQL.
pub(super) const OF_DATABASES: [Way; 8] = [
    Way {
        name: "redis",
        order: Order::Kept,
        settings: &[(ACTIVE, "redis")],
    },
    Way {
        name: "jdbc",
        order: Order::Kept,
        settings: &[(ACTIVE, "jdbc")],
    },
    Way {
        name: "jdbc with one statement",
        order: Order::Kept,
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
        order: Order::Kept,
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
        order: Order::Kept,
        settings: &[(ACTIVE, "jdbc,redis")],
    },
    Way {
        name: "redis and git",
        order: Order::Kept,
        settings: &[(ACTIVE, "redis,git"), (below!("git.uri"), REPOSITORY)],
    },
    Way {
        name: "a composite",
        order: Order::Kept,
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
        order: Order::Kept,
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
pub(super) const REPOSITORY: &str = "REPOSITORY";

/// Stands for the address of the store with the bucket.
pub(super) const ENDPOINT: &str = "ENDPOINT";

/// Of a bucket, whose files Spring's server reads into tables that have an order of their own.
pub(super) const OF_BUCKETS: [Way; 5] = [
    Way {
        name: "awss3",
        order: Order::Any,
        settings: &[
            (ACTIVE, "awss3"),
            (below!("awss3.region"), "us-east-1"),
            (below!("awss3.endpoint"), ENDPOINT),
            (below!("awss3.bucket"), "config"),
        ],
    },
    Way {
        name: "awss3 with folders",
        order: Order::Any,
        settings: &[
            (ACTIVE, "awss3"),
            (below!("awss3.region"), "us-east-1"),
            (below!("awss3.endpoint"), ENDPOINT),
            (below!("awss3.bucket"), "config"),
            (below!("awss3.use-directory-layout"), "true"),
        ],
    },
    Way {
        name: "awss3 with a label for all",
        order: Order::Any,
        settings: &[
            (ACTIVE, "awss3"),
            (below!("awss3.region"), "us-east-1"),
            (below!("awss3.endpoint"), ENDPOINT),
            (below!("awss3.bucket"), "config"),
            (below!("default-label"), "v1"),
        ],
    },
    Way {
        name: "awss3 and git",
        order: Order::Any,
        settings: &[
            (ACTIVE, "awss3,git"),
            (below!("awss3.region"), "us-east-1"),
            (below!("awss3.endpoint"), ENDPOINT),
            (below!("awss3.bucket"), "config"),
            (below!("git.uri"), REPOSITORY),
        ],
    },
    Way {
        name: "awss3 in a composite",
        order: Order::Any,
        settings: &[
            (ACTIVE, "composite"),
            (below!("composite[0].type"), "awss3"),
            (below!("composite[0].region"), "us-east-1"),
            (below!("composite[0].endpoint"), ENDPOINT),
            (below!("composite[0].bucket"), "config"),
            (below!("composite[1].type"), "redis"),
        ],
    },
];
