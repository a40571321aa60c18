//! What stands in the memory of a program.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
};

/// Bytes that are read at a time.
const PIECE: u64 = 1 << 20;

/// Where a text stands in what the process may write, one line each. `None` where the system does not let us look.
pub(crate) fn places_of(process: u32, text: &str) -> Option<Vec<String>> {
    let memory = match File::open(format!("/proc/{process}/mem")) {
        Ok(memory) => memory,
        Err(error) => {
            eprintln!("skipped: nobody here may look into the memory of a program: {error}");
            return None;
        }
    };
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let writable = maps.lines().filter_map(region);
    let places = writable.flat_map(|(begin, end, name)| {
        let found = places_between(&memory, begin, end, text.as_bytes());
        found
            .into_iter()
            .map(move |around| format!("{name}: {around}"))
    });
    Some(places.collect())
}

/// `7f00-7f10 rw-p 00000000 00:00 0 [heap]`: where it begins and ends, and what it is.
fn region(line: &str) -> Option<(u64, u64, String)> {
    let mut words = line.split_whitespace();
    let (begin, end) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let name = words.nth(3).unwrap_or("anonymous").to_owned();
    let region = (number(begin)?, number(end)?, name);
    rights.starts_with("rw").then_some(region)
}

/// What stands around each place.
fn places_between(memory: &File, begin: u64, end: u64, text: &[u8]) -> Vec<String> {
    const AROUND: usize = 80;
    let mut places = Vec::new();
    let mut piece = vec![0; usize::try_from(PIECE).unwrap() + text.len() - 1];
    for at in (begin..end).step_by(usize::try_from(PIECE).unwrap()) {
        let length = piece.len().min(usize::try_from(end - at).unwrap());
        // A region may be given back while we look.
        let Ok(read) = memory.read_at(&mut piece[..length], at) else {
            continue;
        };
        let bytes = &piece[..read];
        let hits = bytes
            .windows(text.len())
            .enumerate()
            .filter(|(_, window)| *window == text);
        places.extend(hits.map(|(hit, _)| {
            let around = hit.saturating_sub(AROUND)..(hit + text.len() + AROUND).min(read);
            format!("{:x} {}", at + hit as u64, bytes[around].escape_ascii())
        }));
    }
    places
}
