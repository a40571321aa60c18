//! Attacks as data, a runner that replays them against a real server, and what is held against every one of them.
//!
//! An attack is a row or a script in `corpus`. A [`class`] turns it into requests, and the [`judge`] holds each answer
//! against what is expected and against what must never be: a secret, a hang, a panic, another answer for everybody else.

pub mod canaries;
pub mod class;
pub mod corpus;
pub mod http;
pub mod judge;
pub mod repository;
pub mod server;
pub mod stage;
pub mod text;
