package dev.confbus.interop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.context.environment.EnvironmentChangeEvent;
import org.springframework.cloud.context.scope.refresh.RefreshScopeRefreshedEvent;
import org.springframework.context.event.EventListener;

/** Has nothing to be asked over, so it prints what reached it. */
@SpringBootApplication
public class SpringStrictClient {

    private int reloads;

    public static void main(String[] arguments) {
        SpringApplication.run(SpringStrictClient.class, arguments);
    }

    @EventListener
    public synchronized void onRefresh(RefreshScopeRefreshedEvent event) {
        this.reloads++;
        System.out.println("reload " + this.reloads);
    }

    @EventListener
    public void onChange(EnvironmentChangeEvent event) {
        System.out.println("changed " + event.getKeys());
    }

}
