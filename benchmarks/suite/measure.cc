#include "benchmarks/suite/measure.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace udsrpc::benchmarks {
namespace {

double Microseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e3; }

// Begins and ends the interval when it is time to, unless there turns out to be nothing to measure.
class Timekeeper {
 public:
  Timekeeper(const Load& load, Interval& interval) : thread_([this, &load, &interval] { Run(load, interval); }) {}
  ~Timekeeper() {
    {
      const std::lock_guard lock(mutex_);
      given_up_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  // Blocks until the interval has ended.
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
  }

 private:
  void Run(const Load& load, Interval& interval) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_until(lock, load.from(), [this] { return given_up_; })) return;
    interval.Begin();
    if (changed_.wait_until(lock, load.until(), [this] { return given_up_; })) return;
    interval.End();
    ended_ = true;
    changed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool given_up_ = false;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Connection> Connected(const Measurement& measurement) {
  std::unique_ptr<Connection> connection = measurement.system.connect(measurement.path);
  connection->Echo("x", std::chrono::microseconds(0));
  return connection;
}

Load LoadOf(const Measurement& measurement) {
  const Clock::time_point from = Clock::now() + measurement.warmup;
  return Load(from, from + measurement.time);
}

Figures FiguresOf(const Load& load, const Interval& interval) {
  const auto calls = static_cast<double>(load.calls());
  if (calls == 0) Fail("no call has ended in the time that was given");
  Figures figures = {{"calls_per_s", calls / interval.seconds()}, {"cpu_us_per_call", interval.cpu_us() / calls}};
  if (load.latencies().count() > 0) {
    figures.emplace_back("p50_us", Microseconds(load.latencies().Quantile(0.5)));
    figures.emplace_back("p99_us", Microseconds(load.latencies().Quantile(0.99)));
  }
  return figures;
}

std::optional<Figures> MeasureLoad(const Measurement& measurement, const std::function<bool(Load&)>& run) {
  Load load = LoadOf(measurement);
  Interval interval(load, measurement.server);
  Timekeeper timekeeper(load, interval);
  if (!run(load)) return std::nullopt;
  timekeeper.Wait();
  return FiguresOf(load, interval);
}

Burner::Burner() : pid_(fork()) {
  if (pid_ < 0) Fail("cannot start another process");
  if (pid_ > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (std::atomic<uint64_t> spins{0};;) spins.fetch_add(1, std::memory_order_relaxed);
}

Burner::~Burner() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

}  // namespace udsrpc::benchmarks
