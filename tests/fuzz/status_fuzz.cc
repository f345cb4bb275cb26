// What a peer says in words: a status' code, message and details; percent escapes; text that has to be UTF-8.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "common/src/percent_encoding.h"
#include "common/src/status_details.h"
#include "common/src/valid_utf8.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/wrappers.pb.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"

namespace udsrpc::fuzz {
namespace {

bool IsUtf8(absl::string_view text) {
  // Protobuf takes nothing else for a `string`.
  google::protobuf::BytesValue bytes;
  bytes.set_value(std::string(text));
  google::protobuf::StringValue string;
  return string.ParseFromString(bytes.SerializeAsString());
}

void CheckStatus(int code, absl::string_view message, absl::string_view details) {
  const absl::Status status = MakeStatus(code, message, details);
  FUZZ_CHECK(status.ok() == (code == 0));
  if (status.ok()) return;
  FUZZ_CHECK(status.message() == message);
  FUZZ_CHECK(code >= 1 && code <= 16 ? status.raw_code() == code : status.code() == absl::StatusCode::kUnknown);
  const std::string again = SerializeStatusDetails(status);
  FUZZ_CHECK(details.empty() ? again.empty() : true);
  FUZZ_CHECK(MakeStatus(code, message, again) == status);
}

void CheckPercent(absl::string_view text) {
  const std::string encoded = PercentEncode(text);
  std::string decoded;
  FUZZ_CHECK(PercentDecode(encoded, decoded) && decoded == text);
  if (!PercentDecode(text, decoded)) return FUZZ_CHECK(absl::StrContains(text, "%"));
  FUZZ_CHECK(decoded.size() <= text.size());
  std::string again;
  FUZZ_CHECK(PercentDecode(PercentEncode(decoded), again) && again == decoded);
}

void CheckUtf8(absl::string_view text, size_t most) {
  const std::string valid = ValidUtf8(text, most);
  FUZZ_CHECK(valid.size() <= most && IsUtf8(valid));
  if (text.size() <= most && IsUtf8(text)) FUZZ_CHECK(valid == text);
  FUZZ_CHECK(ValidUtf8(valid, most) == valid);
}

}  // namespace
}  // namespace udsrpc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  google::protobuf::SetLogHandler(nullptr);  // it has much to say about what is no UTF-8
  udsrpc::fuzz::FuzzInput input(data, size);
  const auto code = static_cast<int>(input.Flag() ? input.Below(18) : input.Number(4));
  const size_t most = 3 + input.Below(100);
  const absl::string_view message = input.ShortText();
  const absl::string_view details = input.Rest();
  udsrpc::fuzz::CheckStatus(code, message, details);
  udsrpc::fuzz::CheckPercent(details);
  udsrpc::fuzz::CheckUtf8(details, most);
  return 0;
}
