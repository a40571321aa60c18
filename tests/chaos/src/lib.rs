//! Real servers, a real broker, a real Git remote; everything between them fails, and nothing may be lost.
//!
//! A run breaks things by a plan and records a [`history`]; the [`checker`] tells what in it breaks a promise. The
//! checker knows nothing of how a history came to be, and the rig nothing of what is promised.

pub mod checker;
pub mod content;
pub mod document;
pub mod figure;
pub mod history;
pub mod matrix;
pub mod proxy;
pub mod recorder;
pub mod rig;
pub mod run;
mod scenario;
