//! Single keys of a terminal, without waiting for the end of a line.

use std::io::{self, IsTerminal as _, Read as _};

use rustix::{
    process::getpgrp,
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
};
use tokio::sync::mpsc;

/// The keys of whoever sits there; the terminal is as it was when this is dropped.
pub(super) struct Keys {
    before: Termios,
    pressed: mpsc::Receiver<u8>,
}

impl Keys {
    /// Nothing where standard input is no terminal, or belongs to another job of the shell.
    pub(super) fn listen() -> Option<Self> {
        let terminal = io::stdin();
        // A terminal that no job of a shell has stops nobody who reads from it.
        let has_other = tcgetpgrp(&terminal).is_ok_and(|foreground| foreground != getpgrp());
        if !terminal.is_terminal() || has_other {
            return None;
        }
        let before = tcgetattr(&terminal).ok()?;
        let mut single = before.clone();
        // Ctrl-C stays a signal.
        single
            .local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Now, &single).ok()?;
        let (sender, pressed) = mpsc::channel(1);
        // Nothing ends a read of a terminal, so it has a thread that ends with the process.
        std::thread::spawn(move || {
            let keys = terminal.lock().bytes().map_while(Result::ok);
            keys.take_while(|key| sender.blocking_send(*key).is_ok())
                .for_each(drop);
        });
        Some(Self { before, pressed })
    }

    /// The next key; never when there will be no other.
    pub(super) async fn next(&mut self) -> u8 {
        match self.pressed.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // Nobody is left to tell.
        _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
