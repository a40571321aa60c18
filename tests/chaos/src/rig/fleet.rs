//! Who follows which servers.

use anyhow::ensure;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::clients::Wish;
use super::{APPLICATIONS, Rig, Server, Transport};

/// Clients that connect at the same time.
const AT_ONCE: usize = 16;

impl Rig {
    /// So many clients: of each application, on each server, by each transport in turn.
    ///
    /// # Errors
    /// When one gets no configuration.
    pub async fn add_clients(&mut self, count: usize) -> anyhow::Result<()> {
        let rabbit = Transport::Rabbit(self.bus.port());
        let transports = [rabbit, rabbit, rabbit, Transport::Stream];
        self.add_clients_by(count, &transports).await
    }

    /// The same, by RabbitMQ alone.
    ///
    /// # Errors
    /// When one gets no configuration.
    pub async fn add_clients_of_rabbit(&mut self, count: usize) -> anyhow::Result<()> {
        let rabbit = Transport::Rabbit(self.bus.port());
        self.add_clients_by(count, &[rabbit]).await
    }

    async fn add_clients_by(
        &mut self,
        count: usize,
        transports: &[Transport],
    ) -> anyhow::Result<()> {
        ensure!(!self.servers.is_empty(), "clients need a server");
        let wish = |_| {
            let transport = transports[self.started % transports.len()];
            self.wish(self.started % self.servers.len(), transport)
        };
        let wishes: Vec<_> = (0..count).map(wish).collect();
        let starting = wishes.into_iter().map(Wish::start);
        let clients = stream::iter(starting).buffered(AT_ONCE);
        let clients: Vec<_> = clients.try_collect().await?;
        self.clients.extend(clients);
        Ok(())
    }

    /// Another client of a server, by its number.
    ///
    /// # Errors
    /// When it gets no configuration.
    pub async fn add_client(&mut self, server: usize, transport: Transport) -> anyhow::Result<()> {
        ensure!(server < self.servers.len(), "no such server");
        let client = self.wish(server, transport).start().await?;
        self.clients.push(client);
        Ok(())
    }

    /// The next client.
    fn wish(&mut self, server: usize, transport: Transport) -> Wish {
        let number = self.started;
        self.started += 1;
        // Each third knows all servers, and turns to another one when its own is away.
        let known = if number % 3 == 2 {
            self.servers.len()
        } else {
            1
        };
        let servers = self.servers.iter().cycle().skip(server).take(known);
        Wish {
            name: format!("client-{}", number + 1),
            application: APPLICATIONS[number / self.servers.len() % APPLICATIONS.len()],
            servers: servers.map(Server::port).collect(),
            transport,
            poll: self.poll,
            recorder: self.recorder.clone(),
        }
    }
}
