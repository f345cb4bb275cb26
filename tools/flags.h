#ifndef UDSRPC_TOOLS_FLAGS_H_
#define UDSRPC_TOOLS_FLAGS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/declare.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "udsrpc/metadata.h"
#include "udsrpc/transport.h"

namespace udsrpc::tools {

// "key: value" of each time that --metadata was given.
struct MetadataFlag {
  std::vector<std::pair<std::string, std::string>> entries;
};
bool AbslParseFlag(absl::string_view text, MetadataFlag* flag, std::string* error);
std::string AbslUnparseFlag(const MetadataFlag& flag);

enum class Color { kAuto, kAlways, kNever };
bool AbslParseFlag(absl::string_view text, Color* color, std::string* error);
std::string AbslUnparseFlag(Color color);

// What --help shows of a flag.
struct FlagHelp {
  std::string name;
  std::string text;
  std::string default_value;                   // empty where there is nothing to say of it
  bool is_switch = false;                      // takes no value
  std::vector<absl::string_view> values = {};  // all that there are; empty: there are others
};
FlagHelp DescribeFlag(absl::string_view name);

// Sets it, or, where it may be given more than once, adds to it. False: `error` says what is wrong.
bool SetFlag(absl::CommandLineFlag& flag, const std::string& value, std::string* error);

}  // namespace udsrpc::tools

// Those that several commands take; one that only one takes is where that command is.
ABSL_DECLARE_FLAG(udsrpc::tools::Color, color);
ABSL_DECLARE_FLAG(bool, json);
ABSL_DECLARE_FLAG(udsrpc::tools::MetadataFlag, metadata);
ABSL_DECLARE_FLAG(absl::Duration, timeout);
ABSL_DECLARE_FLAG(udsrpc::Transport, transport);

#endif  // UDSRPC_TOOLS_FLAGS_H_
