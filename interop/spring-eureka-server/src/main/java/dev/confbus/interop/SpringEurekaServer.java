package dev.confbus.interop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.netflix.eureka.server.EnableEurekaServer;

/** A registry as Spring's users run it. */
@SpringBootApplication
@EnableEurekaServer
public class SpringEurekaServer {

    public static void main(String[] arguments) {
        SpringApplication.run(SpringEurekaServer.class, arguments);
    }

}
