//! Answers of registries that are asked over HTTP.

use reqwest::Response;

use crate::error::Failure;

/// Of one answer; an instance takes some 2 kB.
const MOST_BYTES: usize = 4 << 20;

pub(super) fn said(error: reqwest::Error) -> String {
    Failure::of(error).to_string()
}

/// All of it, if it is not too much.
pub(super) async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(said)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(Failure::TooLarge { limit: MOST_BYTES }.to_string());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
