//! Histories as they would be if everything went well: pushes of all kinds, servers that are ended and halted, clients
//! that follow.

use std::collections::{BTreeMap, BTreeSet};

use confbus_chaos::history::{Entry, Micros, Name, Outcome, Read, What};
use fastrand::Rng;

const ADDRESSES: [&str; 3] = ["/a/prod/main", "/b/prod/main", "/c/prod/main"];
const SERVERS: [&str; 2] = ["server-1", "server-2"];
const CLIENTS: usize = 6;
const PUSHES: usize = 40;
/// Longer than it may take until everybody has what was pushed.
const CALM: Micros = 25_000_000;

/// What a push holds for an address.
#[derive(Clone, PartialEq)]
enum Part {
    Good(Name),
    Unfit(Name),
    Broken,
}

#[derive(Clone)]
struct Head {
    commit: Name,
    parts: Vec<Part>,
}

struct World {
    rng: Rng,
    now: Micros,
    history: Vec<Entry>,
    heads: Vec<Head>,
    /// The position of each server.
    servers: Vec<usize>,
    /// What each client runs.
    clients: Vec<Option<Name>>,
}

/// A good history; another one for each seed.
pub(crate) fn history(seed: u64) -> Vec<Entry> {
    let mut world = World {
        rng: Rng::with_seed(seed),
        now: 0,
        history: Vec::new(),
        heads: Vec::new(),
        servers: vec![0; SERVERS.len()],
        clients: vec![None; CLIENTS],
    };
    world.run();
    world.history
}

impl World {
    fn run(&mut self) {
        self.push_all_good();
        for server in SERVERS {
            let server = server.into();
            self.note(What::ServerStarted { server });
        }
        for client in 0..CLIENTS {
            self.start_client(client);
        }
        for _ in 0..PUSHES {
            match self.rng.u8(..12) {
                0 => self.fail("git"),
                1 => self.restart(),
                2 => self.halt(),
                3 => self.calm(),
                _ => self.live(),
            }
        }
        self.push_all_good();
        self.settle();
        for client in 0..CLIENTS {
            self.hold(client);
        }
    }

    fn note(&mut self, what: What) {
        self.now += self.rng.u64(1..50_000);
        self.history.push(Entry { at: self.now, what });
    }

    /// A push, after which some servers and clients move and some do not.
    fn live(&mut self) {
        self.push();
        for server in 0..SERVERS.len() {
            if self.rng.bool() {
                self.servers[server] = self.heads.len() - 1;
            }
            self.read_all(server);
        }
        for client in 0..CLIENTS {
            if self.rng.bool() {
                self.follow(client);
            }
        }
    }

    /// A push that everybody gets, and nothing else for a while.
    fn calm(&mut self) {
        self.push_all_good();
        self.settle();
        self.now += CALM;
    }

    fn settle(&mut self) {
        for server in 0..SERVERS.len() {
            self.servers[server] = self.heads.len() - 1;
            self.read_all(server);
            self.read_all(server);
        }
        for client in 0..CLIENTS {
            self.follow(client);
        }
    }

    fn fail(&mut self, fault: &str) {
        self.note(What::began(fault));
        self.push();
        self.read_all(0);
        self.note(What::ended(fault));
    }

    fn restart(&mut self) {
        let index = self.rng.usize(..SERVERS.len());
        let server: Name = SERVERS[index].into();
        self.read_all(index);
        let stopped = server.clone();
        self.note(What::ServerStopped { server: stopped });
        self.fail_read(index, "refused");
        self.push();
        self.note(What::ServerStarted { server });
        self.read_all(index);
    }

    fn halt(&mut self) {
        let index = self.rng.usize(..SERVERS.len());
        let server: Name = SERVERS[index].into();
        let paused = server.clone();
        self.note(What::ServerPaused { server: paused });
        self.fail_read(index, "timeout");
        self.note(What::ServerContinued { server });
        self.read_all(index);
    }

    fn push(&mut self) {
        if self.heads.len() > 4 && self.rng.u8(..10) == 0 {
            let back = self.heads.len() - 2 - self.rng.usize(..3);
            let head = self.heads[back].clone();
            return self.push_head(head);
        }
        let mut head = self.new_head();
        let changed = self.rng.usize(..ADDRESSES.len());
        let new = content(changed, &head.commit);
        head.parts[changed] = match self.rng.u8(..6) {
            0 => Part::Broken,
            1 => Part::Unfit(new),
            _ => Part::Good(new),
        };
        self.push_head(head);
    }

    fn push_all_good(&mut self) {
        let mut head = self.new_head();
        head.parts = (0..ADDRESSES.len())
            .map(|address| Part::Good(content(address, &head.commit)))
            .collect();
        self.push_head(head);
    }

    fn new_head(&self) -> Head {
        let parts = self
            .heads
            .last()
            .map_or(Vec::new(), |head| head.parts.clone());
        let commit = format!("commit-{}", self.heads.len()).into();
        Head { commit, parts }
    }

    fn push_head(&mut self, head: Head) {
        let (mut contents, mut broken, mut unfit) =
            (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        for (address, part) in ADDRESSES.map(Name::from).into_iter().zip(&head.parts) {
            match part {
                Part::Broken => _ = broken.insert(address),
                Part::Good(content) => _ = contents.insert(address, content.clone()),
                Part::Unfit(content) => {
                    unfit.insert(address.clone());
                    contents.insert(address, content.clone());
                }
            }
        }
        let commit = head.commit.clone();
        self.heads.push(head);
        self.note(What::Pushed {
            commit: commit.clone(),
            contents,
            broken,
            unfit,
        });
        self.note(What::Event {
            origin: SERVERS[0].into(),
            destination: "**".into(),
            commit: Some(commit),
        });
    }

    /// What a server at a position answers: the commit, its content, and whether it is held.
    fn served(&self, address: usize, position: usize) -> (&Head, &Part, bool) {
        let until = &self.heads[..=position];
        let good = until
            .iter()
            .rposition(|head| head.parts[address] != Part::Broken)
            .unwrap();
        (&until[good], &until[good].parts[address], good < position)
    }

    fn read_all(&mut self, server: usize) {
        for address in 0..ADDRESSES.len() {
            let (head, part, held) = self.served(address, self.servers[server]);
            let (Part::Good(content) | Part::Unfit(content)) = part else {
                unreachable!("a server answers with what is not broken");
            };
            let found = Outcome::Found {
                version: head.commit.clone(),
                content: content.clone(),
                held,
            };
            self.read(server, address, found);
        }
    }

    fn fail_read(&mut self, server: usize, reason: &str) {
        let reason = reason.to_owned();
        self.read(server, 0, Outcome::Failed { reason });
    }

    fn read(&mut self, server: usize, address: usize, outcome: Outcome) {
        let asked = self.now + 1;
        self.now += 1;
        self.note(What::Read(Read {
            server: SERVERS[server].into(),
            address: ADDRESSES[address].into(),
            asked,
            outcome,
        }));
    }

    fn start_client(&mut self, client: usize) {
        self.note(What::ClientStarted {
            client: name(client),
            address: ADDRESSES[client % ADDRESSES.len()].into(),
        });
        self.follow(client);
    }

    fn follow(&mut self, client: usize) {
        let server = self.servers[client % SERVERS.len()];
        let (head, part, _) = self.served(client % ADDRESSES.len(), server);
        let (version, part) = (head.commit.clone(), part.clone());
        let client_name = name(client);
        match part {
            Part::Good(content) if self.clients[client].as_ref() != Some(&content) => {
                self.clients[client] = Some(content.clone());
                self.note(What::Applied {
                    client: client_name,
                    version,
                    content: Some(content),
                });
            }
            Part::Unfit(_) => self.note(What::Refused {
                client: client_name,
                reason: "it does not fit".to_owned(),
            }),
            Part::Good(_) | Part::Broken => {}
        }
    }

    fn hold(&mut self, client: usize) {
        let content = self.clients[client].clone();
        let head = self.heads.last().map(|head| head.commit.clone());
        self.note(What::Holds {
            client: name(client),
            version: head,
            content,
        });
    }
}

fn name(client: usize) -> Name {
    format!("client-{client}").into()
}

fn content(address: usize, commit: &str) -> Name {
    format!("{} at {commit}", ADDRESSES[address]).into()
}
