#ifndef UDSRPC_TOOLS_TARGET_H_
#define UDSRPC_TOOLS_TARGET_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tools/exit_code.h"
#include "udsrpc/channel.h"
#include "udsrpc/client_context.h"

namespace udsrpc::tools {

inline constexpr absl::string_view kTargetHelp =
    "A TARGET is where a server listens: unix:PATH, or the path alone where it has a slash; unix-abstract:NAME, or "
    "@NAME. \"udsrpc ps\" lists those of this host.";
inline constexpr absl::string_view kExitCodeHelp =
    "0: it went well. 1: the server was reached, and answered with an error, or is not healthy. 2: the command line, "
    "or what it names, is wrong, and nothing was done. 3: nobody answers there, or not in time, or this user may not "
    "connect. 1 also where the output cannot be written. Ctrl-C ends with 130 what would have ended by itself, and "
    "with 0 what lasts until then: trace, top, record and a bench that has measured calls.";

// What a command takes as one answer that may well be large: a person or a file asked for it.
inline constexpr size_t kMaxResponseBytes = 256 << 20;

// "run/a.sock" is "unix:run/a.sock", and "@name" is "unix-abstract:name"; what has a scheme, and everything else, is
// what it is.
std::string CanonicalTarget(absl::string_view target);

// What is wrong with a target that cannot be parsed, and what was meant perhaps.
Outcome BadTarget(absl::string_view target, const absl::Status& status);
// Usage: it is of another host, and this program only asks those of this one.
Outcome CheckOfThisHost(absl::string_view target);

// A message without the library's advice, where it could not connect or may not call: this program has its own.
std::string WithoutAdvice(absl::string_view message);

// A channel over the transport of --transport; or why there is none.
Outcome OpenChannel(absl::string_view target, std::shared_ptr<Channel>* channel, ChannelOptions options = {});

// Gives the call --timeout and --metadata, as far as the command takes them.
Outcome PrepareContext(ClientContext* context);

// How a command ends whose call at `target` ended with `status`, which is not OK: the status in one line, and what to
// try.
Outcome CallOutcome(absl::string_view target, const absl::Status& status);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_TARGET_H_
