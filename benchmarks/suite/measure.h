#ifndef UDSRPC_BENCHMARKS_SUITE_MEASURE_H_
#define UDSRPC_BENCHMARKS_SUITE_MEASURE_H_

#include <sys/types.h>

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "benchmarks/suite/workloads.h"

// What the workloads have in common.

namespace udsrpc::benchmarks {

// A connection that has been used: some systems connect only then, which is not what is measured.
std::unique_ptr<Connection> Connected(const Measurement& measurement);

// One that begins to warm up now.
Load LoadOf(const Measurement& measurement);

Figures FiguresOf(const Load& load, const Interval& interval);

// Calls `run`, which goes on until the load is over, while another thread keeps the time. Nothing where it gives false.
std::optional<Figures> MeasureLoad(const Measurement& measurement, const std::function<bool(Load&)>& run);
template <typename Run>
requires std::is_void_v<std::invoke_result_t<Run, Load&>> std::optional<Figures> MeasureLoad(
    const Measurement& measurement, const Run& run) {
  return MeasureLoad(measurement, std::function<bool(Load&)>([&run](Load& load) {
                       run(load);
                       return true;
                     }));
}

// A process that uses as much CPU as it gets.
class Burner {
 public:
  Burner();
  ~Burner();
  Burner(const Burner&) = delete;
  Burner& operator=(const Burner&) = delete;

 private:
  pid_t pid_;
};

}  // namespace udsrpc::benchmarks

#endif  // UDSRPC_BENCHMARKS_SUITE_MEASURE_H_
