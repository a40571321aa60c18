//! A push as GitHub tells our server about it.

use anyhow::ensure;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::http::Connection;

/// What deliveries are signed with.
const SECRET: &str = "of this run";

/// The setting that makes a server believe them.
pub(super) fn setting() -> String {
    format!("--spring.cloud.config.server.monitor.github.webhook-secret={SECRET}")
}

/// A signed delivery, ready to be sent.
pub(super) struct Push {
    body: Vec<u8>,
    fields: Vec<String>,
}

impl Push {
    /// `main` was moved from one commit to another, which changes these files.
    pub(super) fn new(before: &str, after: &str, files: &[(String, String)]) -> Self {
        let modified: Vec<_> = files.iter().map(|(path, _)| path).collect();
        let body = serde_json::json!({
            "ref": "refs/heads/main",
            "before": before,
            "after": after,
            "commits": [{ "id": after, "added": [], "removed": [], "modified": modified }],
        });
        let body = body.to_string().into_bytes();
        let fields = vec![
            "Content-Type: application/json".to_owned(),
            "X-GitHub-Event: push".to_owned(),
            format!("X-Hub-Signature-256: sha256={}", signature(SECRET, &body)),
        ];
        Self { body, fields }
    }

    /// Over a connection that is there already, as hosts keep theirs.
    pub(super) fn deliver(&self, connection: &mut Connection) -> anyhow::Result<()> {
        let answer = connection.ask("POST", "/monitor", &self.fields, &self.body)?;
        ensure!(
            answer.status == 200,
            "the push is answered with {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        Ok(())
    }
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length will do");
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_github_documents() {
        assert_eq!(
            signature("It's a Secret to Everybody", b"Hello, World!"),
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
