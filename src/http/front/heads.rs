//! Answers to heads that nobody has read yet.

use std::mem::MaybeUninit;

use httparse::Status;

use super::{
    Core,
    question::{Afterwards, Head, Question},
    recall::Recalled,
};
use crate::http::{finished::Wire, peer::Peer};

/// Bytes of the longest head that is answered here.
const LONGEST_HEAD: usize = 8 * 1024;
/// Fields of the longest head that is answered here.
const MOST_FIELDS: usize = 32;

/// What came of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Reply {
    /// It was so long, and its answer is written.
    Written(usize),
    /// The same, and the connection ends with the answer.
    Last,
    /// It has not come to its end.
    Incomplete,
    /// It is for somebody else to read and to answer.
    Elsewhere,
}

impl Core {
    /// Writes the answer to the request that begins here, if it is kept; as the last one of its connection if it is to be.
    pub(in crate::http) fn reply(
        &self,
        input: &[u8],
        peer: &Peer,
        is_last: bool,
        output: &mut Vec<u8>,
    ) -> Reply {
        let began = self.requests.begins();
        let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let length = match request.parse_with_uninit_headers(input, &mut fields) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) if input.len() < LONGEST_HEAD => return Reply::Incomplete,
            Ok(Status::Partial) | Err(_) => return Reply::Elsewhere,
        };
        let head = match (request.version, request.method, request.path) {
            (Some(1), Some(method), Some(target)) if target.starts_with('/') => Head {
                method,
                target,
                fields: &*request.headers,
            },
            _ => return Reply::Elsewhere,
        };
        let (question, connection, reply) = match Question::of(&head) {
            Some(question) => match question.afterwards {
                Afterwards::Stays if !is_last => (question, &b""[..], Reply::Written(length)),
                Afterwards::Stays | Afterwards::Closes => {
                    (question, &b"Connection: close\r\n"[..], Reply::Last)
                }
                Afterwards::Unclear => return Reply::Elsewhere,
            },
            None => return Reply::Elsewhere,
        };
        let recalled = self.recall(&question, peer, false, |entry| {
            let Wire { head, body, status } = entry.wire(&question.wish)?;
            let date = self.date.line();
            let parts = [head, connection, &date, body];
            output.reserve(parts.iter().map(|part| part.len()).sum());
            parts.iter().for_each(|part| output.extend_from_slice(part));
            let (asked, is_head) = (entry.kept.asked, question.wish.is_head);
            self.requests
                .recalled(asked, is_head, status.as_u16(), began);
            Some(())
        });
        match recalled {
            Recalled::Answer(()) => reply,
            Recalled::Unsure(_) | Recalled::Make(_) => Reply::Elsewhere,
        }
    }
}
