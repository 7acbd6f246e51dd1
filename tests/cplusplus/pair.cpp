// The library from C++: the headers compile as C++11 with every warning, and a pair in one process
// loses its primary and goes on. The last line counts what passed.
#include <ftvm/check.h>
#include <ftvm/ftvm.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

// What left the machine, whichever replica it was.
struct World {
    std::mutex lock;
    std::vector<std::uint64_t> counts;
};

struct State {
    std::uint64_t count;
    std::uint8_t last[4];
};

const ftvm_field state_fields[] = {FTVM_FIELD(State, count), FTVM_FIELD_ARRAY(State, last),
                                   FTVM_FIELDS_END};

class Machine {
  public:
    explicit Machine(World &world) : world_(world) {}

    int run(ftvm_node *node)
    {
        ftvm_machine_ops ops = {};
        ops.size = sizeof ops;
        ops.deliver = [](void *, std::uint32_t, const void *, std::size_t) { return 0; };
        ops.emit = emit;
        ops.save = [](void *machine, ftvm_writer *writer) {
            Machine &me = self(machine);
            int result = ftvm_write_fields(writer, state_fields, &me.state_);
            return result < 0 ? result
                              : ftvm_write_memory(writer, me.memory_.data(), me.memory_.size());
        };
        ops.load = [](void *machine, ftvm_reader *reader) {
            Machine &me = self(machine);
            int result = ftvm_read_fields(reader, state_fields, &me.state_);
            return result < 0 ? result
                              : ftvm_read_memory(reader, me.memory_.data(), me.memory_.size());
        };
        ops.digest = [](void *machine, ftvm_digest *digest) {
            Machine &me = self(machine);
            ftvm_digest_fields(digest, state_fields, &me.state_);
            ftvm_digest_memory(digest, "memory", me.memory_.data(), me.memory_.size());
        };
        ftvm_epoch epoch;
        int result = ftvm_begin(node, &ops, this, 0, &epoch);
        while (result >= 0) {
            state_.count++;
            state_.last[state_.count % 4]++;
            memory_[state_.count * 4099 % memory_.size()]++;
            result = ftvm_output(node, 1, &state_.count, sizeof state_.count);
            if (result >= 0) {
                result = ftvm_idle(node, epoch.position + 1, epoch.clock_ns + 1000000, &epoch);
            }
        }
        return result;
    }

  private:
    static Machine &self(void *machine) { return *static_cast<Machine *>(machine); }

    static int emit(void *machine, std::uint64_t, std::uint32_t, const void *data, std::size_t size)
    {
        World &world = self(machine).world_;
        std::uint64_t count = 0;
        std::memcpy(&count, data, size < sizeof count ? size : sizeof count);
        std::lock_guard<std::mutex> guard(world.lock);
        world.counts.push_back(count);
        return 0;
    }

    World &world_;
    State state_ = {};
    std::vector<unsigned char> memory_ = std::vector<unsigned char>(100000);
};

ftvm_node *start(ftvm_role role, const std::string &arbiter, const std::string &join)
{
    ftvm_config config;
    ftvm_config_init(&config);
    config.name = "cplusplus";
    config.role = role;
    config.listen = "127.0.0.1:0";
    config.join = join.empty() ? nullptr : join.c_str();
    config.arbiter = arbiter.c_str();
    config.epoch_length = 1;
    ftvm_node *node = nullptr;
    char error[256] = "";
    if (ftvm_node_create(&config, &node, error, sizeof error) < 0) {
        std::printf("%s\n", error);
        std::exit(1);
    }
    if (ftvm_node_start(node) < 0) {
        ftvm_node_error(node, error, sizeof error);
        std::printf("%s\n", error);
        std::exit(1);
    }
    return node;
}

ftvm_status status_of(const ftvm_node *node)
{
    ftvm_status status = {};
    status.size = sizeof status;
    ftvm_node_status(node, &status);
    return status;
}

template <typename Condition> bool soon(Condition condition)
{
    for (int i = 0; i < 10000 && !condition(); i++) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return condition();
}

bool counts_without_a_gap(World &world, std::size_t least)
{
    std::lock_guard<std::mutex> guard(world.lock);
    std::uint64_t last = 0;
    for (std::uint64_t count : world.counts) {
        if (count > last + 1) {
            return false;
        }
        last = count > last ? count : last; // what may have left is sent again
    }
    return world.counts.size() >= least;
}

int check_machine()
{
    static World world;
    ftvm_check check;
    ftvm_check_report report = {};
    report.size = sizeof report;
    ftvm_check_init(&check);
    check.create = [](void *, void **machine) {
        *machine = new Machine(world);
        return 0;
    };
    check.destroy = [](void *, void *machine) { delete static_cast<Machine *>(machine); };
    check.run = [](void *, void *machine, ftvm_node *node) {
        return static_cast<Machine *>(machine)->run(node);
    };
    return ftvm_check_determinism(&check, &report);
}

} // namespace

int main()
{
    char directory[] = "/tmp/ftvm-test-XXXXXX";
    int passed = 0, failed = 0;
    auto expect = [&](bool good, const char *what) {
        std::printf("%s: %s\n", good ? "pass" : "FAIL", what);
        (good ? passed : failed)++;
    };
    if (mkdtemp(directory) == nullptr) {
        return 1;
    }
    const std::string arbiter = std::string("file:") + directory + "/arbiter";
    World world;
    Machine first(world), second(world);
    ftvm_node *primary = start(FTVM_ROLE_PRIMARY, arbiter, "");
    ftvm_node *backup =
        start(FTVM_ROLE_BACKUP, arbiter,
              "127.0.0.1:" + std::to_string(status_of(primary).listen_port));
    std::atomic<int> first_result(0), second_result(0);
    std::thread first_thread([&] { first_result = first.run(primary); });
    std::thread second_thread([&] { second_result = second.run(backup); });

    expect(soon([&] { return status_of(backup).is_protected; }), "the backup may take over");
    ftvm_node_fail(primary, "lost by the test");
    first_thread.join();
    expect(first_result == FTVM_E_MACHINE, "the primary is lost");
    expect(soon([&] { return status_of(backup).role == FTVM_ROLE_PRIMARY; }), "it took over");
    std::size_t so_far;
    {
        std::lock_guard<std::mutex> guard(world.lock);
        so_far = world.counts.size();
    }
    expect(soon([&] { return counts_without_a_gap(world, so_far + 20); }), "it counts without a gap");
    ftvm_node_stop(backup);
    second_thread.join();
    expect(second_result == FTVM_E_STOPPED, "it stops in good order");
    expect(ftvm_node_destroy(primary) == 0 && ftvm_node_destroy(backup) == 0, "nodes are destroyed");
    expect(check_machine() == 0, "the machine is deterministic");
    expect(ftvm_version_number() == FTVM_VERSION_NUMBER, "header and library are one version");
    std::system((std::string("rm -rf ") + directory).c_str()) == 0 || failed++;
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
