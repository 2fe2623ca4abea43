//! The socket that an emulator is reached at.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::api::Api;
use super::config::Config;
use super::connection::{Limits, attend};

/// How long a shutdown waits for the connections that are still open.
const GRACE: Duration = Duration::from_secs(1);

/// How many may wait to be accepted. Who comes when it is full tries again after a second.
const BACKLOG: u32 = 4096;

/// An emulator with its socket bound; connections wait until it serves.
pub struct Emulator {
    listener: TcpListener,
    url: String,
    api: Arc<Api>,
    limits: Limits,
}

impl Emulator {
    /// Binds a socket for an empty cloud; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub async fn bind(config: Config, address: SocketAddr) -> io::Result<Self> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // Elsewhere this would let others take the port.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let url = format!("http://{}", listener.local_addr()?);
        let api = Arc::new(Api::new(&config, url.clone()));
        let limits = Limits {
            connections: config.connections,
            patience: config.patience,
        };
        Ok(Self {
            listener,
            url,
            api,
            limits,
        })
    }

    /// Where it is reached: `http://HOST:PORT`, no trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts to answer, in a task of the current runtime, until [`Running::shutdown`] or a drop.
    pub fn serve(self) -> Running {
        let Self {
            listener,
            url,
            api,
            limits,
        } = self;
        let stop = CancellationToken::new();
        let task = tokio::spawn(attend(listener, Arc::clone(&api), limits, stop.clone()));
        Running {
            url,
            api,
            stop,
            task,
        }
    }
}

/// An emulator that answers; it stops when this is dropped.
pub struct Running {
    url: String,
    api: Arc<Api>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// Where it is reached: `http://HOST:PORT`, no trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many objects of all kinds and projects exist now; 0 if nothing was left behind.
    pub fn objects(&self) -> usize {
        self.api.objects()
    }

    /// How often each change was asked for, by method and path, if that is counted; what was turned away is
    /// among them.
    pub fn asked(&self) -> BTreeMap<(String, String), usize> {
        self.api.asked()
    }

    /// Stops to accept, lets the requests under way end, and closes all connections.
    ///
    /// # Errors
    ///
    /// The server had already ended with an error.
    pub async fn shutdown(mut self) -> io::Result<()> {
        self.stop.cancel();
        match tokio::time::timeout(GRACE, &mut self.task).await {
            Ok(ended) => ended.map_err(io::Error::other),
            // A client that holds its connection open does not hold us up.
            Err(_) => {
                self.task.abort();
                Ok(())
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
