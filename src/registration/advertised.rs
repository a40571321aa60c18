use std::{net::IpAddr, time::Duration};

use indexmap::IndexMap;
use secrecy::SecretString;
use tokio::{net::UdpSocket, time::timeout};

use super::Trouble;

/// For finding out from which address one registry is reached.
const DEADLINE: Duration = Duration::from_secs(5);

/// What clients are told of this server, whichever registry tells them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Advertised {
    /// What this instance is called among all of its service, unless a registry has names of its own.
    pub(crate) id: Option<String>,
    /// The name of this machine unless it is said.
    pub(crate) hostname: Option<String>,
    /// The address from which the registry is reached unless it is said.
    pub(crate) address: Option<IpAddr>,
    /// Whether clients are told the address instead of the name.
    pub(crate) prefer_address: bool,
    /// What clients read: `configPath`, `user`, `password` and others.
    pub(crate) metadata: IndexMap<String, SecretString>,
}

impl Advertised {
    /// The name of this machine, or its address where it has none.
    pub(super) fn name(&self, address: IpAddr) -> String {
        let name = self.hostname.clone().or_else(machine_name);
        name.unwrap_or_else(|| address.to_string())
    }

    /// Where clients find it.
    pub(super) fn host(&self, address: IpAddr) -> String {
        if self.prefer_address {
            address.to_string()
        } else {
            self.name(address)
        }
    }

    /// The address that was said, or the one that is listened on, or the one from which a registry is reached.
    pub(super) async fn own_address<'a>(
        &self,
        listens: IpAddr,
        registries: impl Iterator<Item = (&'a str, u16)> + Send,
    ) -> Result<IpAddr, Trouble> {
        match self.address {
            Some(address) => Ok(address),
            None if !listens.is_unspecified() => Ok(listens),
            None => towards(registries).await,
        }
    }
}

/// From which address one of them is reached; nothing is sent to find that out.
async fn towards<'a>(
    registries: impl Iterator<Item = (&'a str, u16)> + Send,
) -> Result<IpAddr, Trouble> {
    let mut trouble = Trouble::Late;
    for registry in registries {
        let found = async {
            let socket = UdpSocket::bind("[::]:0").await;
            let socket = match socket {
                Ok(socket) => socket,
                // A machine without IPv6.
                Err(_) => UdpSocket::bind("0.0.0.0:0").await?,
            };
            socket.connect(registry).await?;
            Ok::<_, std::io::Error>(socket.local_addr()?.ip().to_canonical())
        };
        match timeout(DEADLINE, found).await {
            Ok(Ok(address)) => return Ok(address),
            Ok(Err(error)) => trouble = Trouble::Unreachable(error.to_string()),
            Err(_) => trouble = Trouble::Late,
        }
    }
    Err(trouble)
}

/// What this machine calls itself, if that is a name.
fn machine_name() -> Option<String> {
    let name = rustix::system::uname();
    let name = name.nodename().to_str().ok()?;
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_said_wins_over_what_is_listened_on() {
        let nobody = || std::iter::empty();
        let any = "0.0.0.0".parse().unwrap();
        let said: IpAddr = "10.0.0.5".parse().unwrap();
        let mut advertised = Advertised::default();
        let listens: IpAddr = "10.0.0.6".parse().unwrap();
        assert_eq!(advertised.own_address(listens, nobody()).await, Ok(listens));
        let here = [("127.0.0.1", 9)].into_iter();
        let towards = advertised.own_address(any, here).await.unwrap();
        assert!(towards.is_loopback(), "{towards}");
        advertised.address = Some(said);
        assert_eq!(advertised.own_address(any, nobody()).await, Ok(said));
        advertised.hostname = Some("config-1".to_owned());
        assert_eq!(advertised.host(said), "config-1");
        advertised.prefer_address = true;
        assert_eq!(advertised.host(said), "10.0.0.5");
    }
}
