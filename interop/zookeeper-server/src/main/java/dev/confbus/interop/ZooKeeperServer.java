package dev.confbus.interop;

import org.apache.zookeeper.server.ZooKeeperServerMain;

/** One ZooKeeper as its project ships it, without its web server: port and folder come as arguments. */
public class ZooKeeperServer {

    public static void main(String[] arguments) {
        System.setProperty("zookeeper.admin.enableServer", "false");
        // Who has a session, and which nodes it keeps, is asked by `dump`.
        System.setProperty("zookeeper.4lw.commands.whitelist", "ruok,dump");
        ZooKeeperServerMain.main(arguments);
    }

}
