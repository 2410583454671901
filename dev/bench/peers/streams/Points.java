import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams with exactly_once_v2 and RocksDB: records by revision, the day's cap, differences, balances.
 *
 * <p>More than the other peers do, less than the service: no ledger, lots, expiry, first-service bonus, badges,
 * explanations, dead letters or outbox. What cannot be read, or has another content at a known revision, is left out.
 */
public final class Points {
    private static final ZoneId ZONE = ZoneId.of("Asia/Shanghai");
    private static final int DAY_MINUTES = 480;
    private static final int LEAST_MINUTES = 15;
    private static final ObjectReader READER = new ObjectMapper().readerFor(Served.class);

    private static final AtomicLong SEEN = new AtomicLong();
    private static final AtomicLong MINUTES = new AtomicLong();
    private static final AtomicLong POINTS = new AtomicLong();
    private static final AtomicBoolean STARTED = new AtomicBoolean();

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Served(
            @JsonProperty("record_id") String recordId,
            @JsonProperty("revision") int revision,
            @JsonProperty("volunteer_id") String volunteerId,
            @JsonProperty("provenance") String provenance,
            @JsonProperty("status") String status,
            @JsonProperty("started_at") String startedAt,
            @JsonProperty("minutes") int minutes) {

        boolean readable() {
            return status.equals("confirmed") || status.equals("provisional") || status.equals("void");
        }

        int counted() {
            boolean witnessed = provenance.equals("scanned") || provenance.equals("kiosk") || provenance.equals("leader");
            return status.equals("confirmed") && witnessed && minutes >= LEAST_MINUTES ? minutes : 0;
        }
    }

    /** One record of a day: its start decides the order, then its id. */
    record Line(long startedAt, String recordId, int minutes) {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> chosen = new HashMap<>();
        for (int place = 0; place < arguments.length; place += 2) {
            chosen.put(arguments[place].substring(2), arguments[place + 1]);
        }
        long count = Long.parseLong(chosen.get("count"));
        String group = chosen.get("group");
        String output = group + "-points";

        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, group);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, chosen.get("bootstrap"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, chosen.getOrDefault("commit-ms", "100"));
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, chosen.getOrDefault("threads", "2"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, chosen.get("directory"));
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");

        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", chosen.get("bootstrap")))) {
            int partitions = Integer.parseInt(chosen.get("partitions"));
            admin.createTopics(List.of(new NewTopic(output, partitions, (short) 1))).all().get();
            KafkaStreams streams = new KafkaStreams(topology(chosen.get("topic"), output), settings);
            Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
            streams.start();
            while (SEEN.get() < count || committed(admin, group) < count) {
                if (streams.state().hasCompletedShutdown()) {
                    throw new IllegalStateException("the streams ended as " + streams.state());
                }
                Thread.sleep(10);
            }
            tell("done", ",\"seen\":" + SEEN + ",\"total\":" + MINUTES + ",\"points\":" + POINTS);
            Thread.sleep(Long.MAX_VALUE);
        }
    }

    private static Topology topology(String input, String output) {
        Topology topology = new Topology();
        topology.addSource("attendance", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), input);
        topology.addProcessor("points", Valuation::new, "attendance");
        for (String store : List.of("records", "days")) {
            topology.addStateStore(
                    Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(store), Serdes.String(), Serdes.ByteArray())
                            .withCachingEnabled(),
                    "points");
        }
        topology.addStateStore(
                Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("balances"), Serdes.String(), Serdes.Long())
                        .withCachingEnabled(),
                "points");
        topology.addSink("changes", output, Serdes.String().serializer(), Serdes.Long().serializer(), "points");
        return topology;
    }

    private static long committed(Admin admin, String group) throws Exception {
        long sum = 0;
        for (OffsetAndMetadata offset :
                admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().values()) {
            sum += Optional.ofNullable(offset).map(OffsetAndMetadata::offset).orElse(0L);
        }
        return sum;
    }

    private static void tell(String event, String more) {
        double at = System.currentTimeMillis() / 1000.0;
        System.out.println(String.format(java.util.Locale.ROOT, "{\"event\":\"%s\",\"at\":%.3f%s}", event, at, more));
        System.out.flush();
    }

    /** Keeps the highest revision of each record, and posts the difference that it makes to its days. */
    private static final class Valuation implements Processor<String, byte[], String, Long> {
        private ProcessorContext<String, Long> context;
        private KeyValueStore<String, byte[]> records;
        private KeyValueStore<String, byte[]> days;
        private KeyValueStore<String, Long> balances;

        @Override
        public void init(ProcessorContext<String, Long> context) {
            this.context = context;
            records = context.getStateStore("records");
            days = context.getStateStore("days");
            balances = context.getStateStore("balances");
        }

        @Override
        public void process(Record<String, byte[]> message) {
            if (STARTED.compareAndSet(false, true)) {
                tell("consumer.started", "");
            }
            try {
                Served served = READER.readValue(message.value());
                MINUTES.addAndGet(served.minutes());
                if (served.readable()) {
                    apply(served, message.timestamp());
                }
            } catch (IOException unreadable) {
                // left out, as by every peer
            } finally {
                SEEN.incrementAndGet();
            }
        }

        private void apply(Served served, long timestamp) {
            byte[] known = records.get(served.recordId());
            if (known != null && ByteBuffer.wrap(known).getInt() >= served.revision()) {
                return;
            }
            Instant startedAt = Instant.parse(served.startedAt());
            long day = startedAt.atZone(ZONE).toLocalDate().toEpochDay();
            long difference = 0;
            if (known != null && ByteBuffer.wrap(known).getLong(4) != day) {
                difference += change(served, ByteBuffer.wrap(known).getLong(4), null);
            }
            difference += change(served, day, new Line(startedAt.toEpochMilli(), served.recordId(), served.counted()));
            records.put(served.recordId(), ByteBuffer.allocate(12).putInt(served.revision()).putLong(day).array());
            if (difference != 0) {
                Long before = balances.get(served.volunteerId());
                balances.put(served.volunteerId(), (before == null ? 0 : before) + difference);
                POINTS.addAndGet(difference);
                context.forward(new Record<>(served.volunteerId(), difference, timestamp));
            }
        }

        /** Put a record's line into a day, or take it out; returns the difference in points. */
        private long change(Served served, long day, Line line) {
            String key = served.volunteerId() + "/" + day;
            List<Line> lines = read(days.get(key));
            long before = worth(lines, day);
            lines.removeIf(one -> one.recordId().equals(served.recordId()));
            if (line != null) {
                lines.add(line);
            }
            lines.sort((one, other) -> one.startedAt() != other.startedAt()
                    ? Long.compare(one.startedAt(), other.startedAt())
                    : one.recordId().compareTo(other.recordId()));
            days.put(key, write(lines));
            return worth(lines, day) - before;
        }

        private static long worth(List<Line> lines, long day) {
            int perHour = LocalDate.ofEpochDay(day).getMonthValue() == 3 ? 15 : 10;
            int left = DAY_MINUTES;
            long points = 0;
            for (Line line : lines) {
                int minutes = Math.min(left, line.minutes());
                left -= minutes;
                if (minutes >= LEAST_MINUTES) {
                    points += (long) minutes * perHour / 60;
                }
            }
            return points;
        }

        private static List<Line> read(byte[] stored) {
            List<Line> lines = new ArrayList<>();
            if (stored != null) {
                ByteBuffer buffer = ByteBuffer.wrap(stored);
                byte[] id = new byte[36];
                while (buffer.hasRemaining()) {
                    long startedAt = buffer.getLong();
                    int minutes = buffer.getInt();
                    buffer.get(id);
                    lines.add(new Line(startedAt, new String(id, StandardCharsets.ISO_8859_1), minutes));
                }
            }
            return lines;
        }

        private static byte[] write(List<Line> lines) {
            ByteBuffer buffer = ByteBuffer.allocate(lines.size() * 48);
            for (Line line : lines) {
                buffer.putLong(line.startedAt()).putInt(line.minutes());
                buffer.put(line.recordId().getBytes(StandardCharsets.ISO_8859_1));
            }
            return buffer.array();
        }
    }
}
