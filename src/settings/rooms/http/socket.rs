//! A socket in the file system where the server listens beside its port.

use super::tls;
use crate::{http::SocketFile, settings::reader::Reader};

const SOCKET: &str = "confbus.server.socket";
const MODE: &str = "confbus.server.socket-mode";
/// For the user and the group of the server.
const DEFAULT_MODE: &str = "0660";

/// None, unless its path is said.
pub(in crate::settings::rooms) fn socket(reader: &mut Reader) -> Option<SocketFile> {
    let Some(path) = reader.text(SOCKET) else {
        reader.has_no_effect(MODE, &format!("there is no `{SOCKET}`"));
        return None;
    };
    let text = reader.text_or(MODE, DEFAULT_MODE);
    // A zero in front says that the number is meant as it is written: YAML makes another one of it without quotes.
    let is_octal = text.len() == 4 && text.starts_with('0');
    let mode = u32::from_str_radix(&text, 8).ok().filter(|_| is_octal);
    if mode.is_none() {
        let text = format!("`{MODE}` is not four octal digits of which the first is 0");
        reader.refuse(MODE, text, Some("write \"0660\", in quotes"));
    }
    if tls::needs_certificates(reader) {
        reader.opens(SOCKET, "whoever connects there shows no certificate");
    }
    let path = path.strip_prefix("unix:").unwrap_or(&path).into();
    mode.map(|mode| SocketFile { path, mode })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &[(&str, &str)]) -> (Option<SocketFile>, usize, usize) {
        let said = said.iter();
        let said = said.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut reader = Reader::of(said.collect(), Vec::new());
        let socket = socket(&mut reader);
        let (problems, warnings) = reader.finish();
        (socket, problems.len(), warnings.len())
    }

    #[test]
    fn a_socket_beside_needed_certificates_is_told() {
        let path = (SOCKET, "/run/confbus/http.sock");
        for (client_auth, expected) in [("need", 1), ("NEED", 1), ("want", 0), ("none", 0)] {
            let said = [path, ("server.ssl.client-auth", client_auth)];
            assert_eq!(read(&said).2, expected, "{client_auth}");
        }
        let off = ("server.ssl.enabled", "false");
        assert_eq!(read(&[path, ("server.ssl.client-auth", "need"), off]).2, 0);
        assert_eq!(read(&[("server.ssl.client-auth", "need")]).2, 0);
    }

    #[test]
    fn a_socket_has_a_path_and_rights() {
        let file = |mode| {
            Some(SocketFile {
                path: "/run/confbus/http.sock".into(),
                mode,
            })
        };
        let path = (SOCKET, "/run/confbus/http.sock");
        assert_eq!(read(&[path]), (file(0o660), 0, 0));
        let as_nginx = (SOCKET, "unix:/run/confbus/http.sock");
        assert_eq!(read(&[as_nginx, (MODE, "0600")]), (file(0o600), 0, 0));
        assert_eq!(read(&[]), (None, 0, 0));
        assert_eq!(read(&[(MODE, "0600")]), (None, 0, 1));
        for mode in ["432", "660", "0888", "01777", "rw"] {
            assert_eq!(read(&[path, (MODE, mode)]), (None, 1, 0), "{mode}");
        }
    }
}
