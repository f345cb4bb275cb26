#include "server/src/reused_message.h"

#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/type.pb.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"

namespace udsrpc::testing {
namespace {

using google::protobuf::Int32Value;
using google::protobuf::StringValue;

TEST(ReusedMessage, IsEmptyAndKeepsItsMemory) {
  ReusedMessage reused;
  auto& first = static_cast<StringValue&>(reused.Get(StringValue::default_instance()));
  const std::string text(1000, 'x');
  first.set_value(text);
  const char* const memory = first.value().data();
  reused.Release();
  auto& second = static_cast<StringValue&>(reused.Get(StringValue::default_instance()));
  EXPECT_TRUE(second.value().empty());
  second.set_value(text.substr(100).c_str());
  EXPECT_EQ(second.value().data(), memory);
}

TEST(ReusedMessage, IsOfTheTypeThatIsAskedFor) {
  ReusedMessage reused;
  reused.Get(StringValue::default_instance());
  reused.Release();
  EXPECT_EQ(reused.Get(Int32Value::default_instance()).GetTypeName(), "google.protobuf.Int32Value");
  reused.Release();
  EXPECT_EQ(reused.Get(StringValue::default_instance()).GetTypeName(), "google.protobuf.StringValue");
}

TEST(ReusedMessage, AProcessKeepsSoMuchAndNoMore) {
  constexpr size_t kBytes = ReusedMessage::kMaxKeptBytes / 3;
  std::vector<std::unique_ptr<ReusedMessage>> messages;
  std::vector<const char*> memory;
  for (int i = 0; i < 3; ++i) {
    messages.push_back(std::make_unique<ReusedMessage>());
    auto& message = static_cast<StringValue&>(messages.back()->Get(StringValue::default_instance()));
    message.set_value(std::string(kBytes, 'x'));
  }
  for (const auto& message : messages) message->Release();
  int kept = 0;
  for (const auto& message : messages) {
    auto& again = static_cast<StringValue&>(message->Get(StringValue::default_instance()));
    kept += again.value().capacity() >= kBytes;
  }
  EXPECT_EQ(kept, 2);
  // Those that are gone count no more.
  messages.clear();
  ReusedMessage reused;
  auto& message = static_cast<StringValue&>(reused.Get(StringValue::default_instance()));
  message.set_value(std::string(2 * kBytes, 'x'));
  reused.Release();
  EXPECT_GE(static_cast<StringValue&>(reused.Get(StringValue::default_instance())).value().capacity(), 2 * kBytes);
}

// Field by field a message can grow without its encoding ever being larger than it was.
TEST(ReusedMessage, WhatGrowsWithoutBeingLargerIsFoundInTime) {
  const size_t before = ReusedMessage::KeptBytes();
  ReusedMessage reused;
  const auto use = [&](bool name) {
    auto& message = static_cast<google::protobuf::Type&>(reused.Get(google::protobuf::Type::default_instance()));
    (name ? message.mutable_name() : message.add_oneofs())->assign(10'000, 'x');
    reused.Release();
  };
  use(true);
  EXPECT_GE(ReusedMessage::KeptBytes() - before, 10'000u);
  EXPECT_LT(ReusedMessage::KeptBytes() - before, 20'000u);
  for (int i = 0; i < 64; ++i) use(false);
  EXPECT_GE(ReusedMessage::KeptBytes() - before, 20'000u);
}

}  // namespace
}  // namespace udsrpc::testing
