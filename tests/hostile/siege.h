#ifndef UDSRPC_TESTS_HOSTILE_SIEGE_H_
#define UDSRPC_TESTS_HOSTILE_SIEGE_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/hostile/bystander.h"
#include "tests/hostile/strike.h"
#include "tests/support/child_process.h"
#include "tests/support/process_usage.h"
#include "tests/support/temp_dir.h"

namespace udsrpc::testing {

// Of memory where the library has no bound, and nothing of ours gives it one.
inline constexpr size_t kUnbounded = std::numeric_limits<size_t>::max();

// What an attack may cost the process that it is made on.
struct Bounds {
  // That the process takes more, at its peak, than before; and three quarters of it that it takes more behind the
  // second attack than behind the first: what malloc keeps differs.
  size_t memory = 24 << 20;
  // Seconds on a CPU for one that all attackers spent, beyond the first: see Siege::kCpuOfCalm.
  double cpu = 10;
  // Of a bystander's calls.
  absl::Duration median = absl::Milliseconds(500);
};

struct Attack {
  std::string name;
  std::function<void(Strike&)> strike;  // by each attacker
  int many;                             // attackers, where it is not one
  Bounds one = {};
  Bounds all = {};                          // of so many together
  std::vector<std::string> victim = {};     // its flags
  Attacker attacker = Attacker::kStranger;  // where there may be one
  absl::Duration duration = absl::Milliseconds(200);
};

inline void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.name; }

// A server process, those who attack it, and a bystander. Has the attack made, by many attackers twice, and holds it to
// this:
//
//   - the process lives, and takes no more memory and time than the bounds say, and no more for the second attack;
//   - each call of the bystander is OK, and the median one quick;
//   - the process comes to rest while the attackers still hold their connections, and again when these are closed;
//   - then the connections, the calls and the descriptors of the process are those that it had before.
class Siege {
 public:
  explicit Siege(const std::vector<std::string>& flags);
  // The victim shuts down in an orderly way.
  ~Siege();

  const std::string& target() const { return target_; }
  Bystander& bystander() { return bystander_; }
  const ProcessUsage& usage() const { return usage_; }

  struct Stats {
    int connections = -1;
    int in_flight = -1;
    int64_t started = -1;
  };
  // What the victim says of itself.
  Stats Ask();

  // The whole of it.
  void Lay(const Attack& attack, int attackers);

  // The parts, for attacks of their own kind. Connections and calls are as many; false after 20 s.
  bool AwaitStats(int connections, int in_flight);
  bool AwaitOpenFiles(int count);

  // Of time on a CPU that is nobody's doing: starting, the bystander's calls, and ticks of the clock.
  static constexpr absl::Duration kCpuOfCalm = absl::Seconds(1);

 private:
  // Returns the memory that is taken at its end.
  size_t LayOnce(const Attack& attack, int attackers, const Bounds& bounds);

  TempDir directory_;
  const std::string target_;
  ChildProcess victim_;
  const bool serves_;
  ProcessUsage usage_;
  Bystander bystander_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_HOSTILE_SIEGE_H_
