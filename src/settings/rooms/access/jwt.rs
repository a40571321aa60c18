use url::Url;

use crate::{
    access::{Algorithms, JwtSettings, Place},
    settings::reader::Reader,
};

const JWT: &str = "spring.security.oauth2.resourceserver.jwt";

/// Whose tokens are taken; nothing where no key of Spring's asks for it.
pub(super) fn jwt(reader: &mut Reader) -> Option<JwtSettings> {
    let key = |name: &str| format!("{JWT}.{name}");
    let (issuer_key, keys_key) = (key("issuer-uri"), key("jwk-set-uri"));
    if !reader.has(&issuer_key) && !reader.has(&keys_key) {
        return None;
    }
    let issuer = reader.text(&issuer_key);
    if issuer.is_none() {
        let hint = format!("set {issuer_key} to what stands in `iss`");
        reader.refuse(
            &keys_key,
            "tokens are taken of one issuer alone, and none is named",
            Some(&hint),
        );
    }
    let described = url(reader, &issuer_key);
    let keys = url(reader, &keys_key);
    let place = match (reader.has(&keys_key), keys, described) {
        (true, keys, _) => keys.map(Place::Keys),
        (false, _, described) => described.map(Place::Described),
    };
    let audiences = reader.list(&key("audiences"));
    if audiences.is_empty() {
        let audiences = key("audiences");
        reader.refuse(
            &issuer_key,
            "tokens that were issued for others would be good here, too",
            Some(&format!(
                "set {audiences} to what stands in `aud`, and make it this server's own"
            )),
        );
    }
    let settings = JwtSettings {
        issuer: issuer?.into(),
        place: place?,
        audiences,
        algorithms: algorithms(reader, &key("jws-algorithms"))?,
        principal_claim: reader.text_or(&key("principal-claim-name"), "sub").into(),
    };
    Some(settings)
}

fn algorithms(reader: &mut Reader, key: &str) -> Option<Algorithms> {
    let names = reader.list(key);
    if names.is_empty() {
        return Some(Algorithms::all());
    }
    match Algorithms::named(names) {
        Ok(algorithms) => Some(algorithms),
        Err(name) => {
            reader.refuse(
                key,
                format!("`{name}` is no algorithm whose key can only check"),
                Some("take RS256, PS256, ES256 or EdDSA, or their longer forms"),
            );
            None
        }
    }
}

fn url(reader: &mut Reader, key: &str) -> Option<Url> {
    let text = reader.text(key)?;
    let url = Url::parse(&text).ok().filter(|url| {
        let has_password = !url.username().is_empty() || url.password().is_some();
        Place::is_safe(url) && !has_password
    });
    if url.is_none() {
        reader.refuse(
            key,
            format!("`{key}` is not an address behind https, without a password in it"),
            Some("http is taken only of this machine itself"),
        );
    }
    url
}
