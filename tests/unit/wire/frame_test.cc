#include "common/src/wire/frame.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/hex.h"
#include "tests/unit/wire/golden.h"

namespace udsrpc::wire {
namespace {

using testing::FromHex;

TEST(FrameGolden, Hello) {
  ExpectGolden(HelloFrame{.version = 1,
                          .min_version = 1,
                          .features = 0,
                          .max_calls = 16384,
                          .max_metadata = 8192,
                          .max_message = 4 << 20},
               "", R"(2c000000 01 00 2000 00000000
                      554453525043 0d0a 0100 0100 00000000 00400000 00200000 0000400000000000)");
}

TEST(FrameGolden, Goaway) {
  ExpectGolden(GoawayFrame{.reason = 1, .text = "no"}, "no", "12000000 02 00 0400 00000000 01000000 6e6f");
}

TEST(FrameGolden, PingAndItsAck) {
  ExpectGolden(PingFrame{.ack = false, .token = 0x1122334455667788}, "",
               "14000000 03 00 0800 00000000 8877665544332211");
  ExpectGolden(PingFrame{.ack = true, .token = 0x1122334455667788}, "",
               "14000000 03 01 0800 00000000 8877665544332211");
}

TEST(FrameGolden, CallAsItIsMostOften) {
  ExpectGolden(CallFrame{.call = 2, .method = 1, .half_close = true, .has_message = true, .message = "abc"}, "abc",
               "13000000 10 03 0400 02000000 01000000 616263");
}

TEST(FrameGolden, CallWithEverything) {
  ExpectGolden(CallFrame{.call = 1,
                         .method = 1,
                         .half_close = true,
                         .has_message = true,
                         .timeout_us = 1000000,
                         .path = "/p.S/M",
                         .metadata = FromHex("0100 6b 0100 76"),
                         .message = "abc"},
               "abc", R"(2b000000 10 1f 1c00 01000000
                         01000000 40420f0000000000 0600 2f702e532f4d 0600 01006b010076 616263)");
}

TEST(FrameGolden, CallThatStaysOpenWithoutMessage) {
  ExpectGolden(CallFrame{.call = 7, .method = 3}, "", "10000000 10 00 0400 07000000 03000000");
}

TEST(FrameGolden, Cancel) {
  ExpectGolden(CancelFrame{.call = 9, .code = 4}, "", "10000000 13 00 0400 09000000 04000000");
}

TEST(FrameGolden, StatusAsItIsMostOften) {
  ExpectGolden(StatusFrame{.call = 2, .has_message = true, .message = "abc"}, "abc",
               "0f000000 21 01 0000 02000000 616263");
}

TEST(FrameGolden, StatusOfAnEmptyReply) {
  ExpectGolden(StatusFrame{.call = 2, .has_message = true}, "", "0c000000 21 01 0000 02000000");
}

TEST(FrameGolden, StatusWithMetadata) {
  ExpectGolden(StatusFrame{.call = 2,
                           .has_message = true,
                           .initial_metadata = FromHex("0100 61 0100 62"),
                           .trailing_metadata = FromHex("0100 63 0000"),
                           .message = "x"},
               "x", "1c000000 21 0d 0f00 02000000 0600 010061010062 0500 0100630000 78");
}

TEST(FrameGolden, StatusOfAnError) {
  ExpectGolden(StatusFrame{.call = 5, .code = 5, .status_message = "none", .details = "\x08\x05"}, "",
               "1a000000 21 02 0e00 05000000 05000000 0400 6e6f6e65 0200 0805");
}

TEST(FrameGolden, StatusOfARefusedCall) {
  ExpectGolden(StatusFrame{.call = 5, .refused = true, .code = 14}, "",
               "14000000 21 12 0800 05000000 0e000000 0000 0000");
}

TEST(FrameGolden, HelloOfASideThatAcceptsDescriptors) {
  ExpectGolden(HelloFrame{.version = 1, .min_version = 1, .max_message = 4 << 20, .max_fds = 253}, "",
               R"(2e000000 01 00 2200 00000000
                  554453525043 0d0a 0100 0100 01000000 00000000 00000000 0000400000000000 fd00)");
}

TEST(FrameGolden, CallAndStatusWithDescriptors) {
  ExpectGolden(CallFrame{.call = 1,
                         .method = 1,
                         .half_close = true,
                         .has_message = true,
                         .timeout_us = 1,
                         .metadata = FromHex("0100 6b 0100 76"),
                         .message = "x",
                         .fds = 2},
               "x", "23000000 10 37 1600 01000000 01000000 0100000000000000 0600 01006b010076 0200 78");
  ExpectGolden(StatusFrame{.call = 2, .has_message = true, .message = "x", .fds = 0}, "x",
               "0f000000 21 21 0200 02000000 0000 78");
}

TEST(FrameMalformed, DescriptorsThatCannotBe) {
  ExpectMalformed<CallFrame>("12000000 10 20 0600 07000000 03000000 0100", "no message");
  ExpectMalformed<StatusFrame>("0e000000 21 20 0200 02000000 0100", "no message");
  ExpectMalformed<StatusFrame>("0e000000 21 21 0200 02000000 fe00", "at most 253");
  ExpectMalformed<StatusFrame>("0d000000 21 21 0100 02000000 01", "too short");
  constexpr absl::string_view kHello = "554453525043 0d0a 0100 0100 01000000 00400000 00200000 0000400000000000";
  ExpectMalformed<HelloFrame>(absl::StrCat("2c000000 01 00 2000 00000000", kHello), "too short");
  ExpectMalformed<HelloFrame>(absl::StrCat("2e000000 01 00 2200 00000000", kHello, "0000"), "not 1 to 253");
  ExpectMalformed<HelloFrame>(absl::StrCat("2e000000 01 00 2200 00000000", kHello, "fe00"), "not 1 to 253");
}

TEST(Frame, IgnoresWhatALaterRevisionAddsToAHead) {
  const auto cancel = ParseFrame<CancelFrame>(FromHex("14000000 13 00 0800 09000000 04000000 ffffffff"));
  ASSERT_TRUE(cancel.ok()) << cancel.status();
  EXPECT_EQ(*cancel, (CancelFrame{.call = 9, .code = 4}));
}

TEST(FrameMalformed, FlagsThatAreNotDefined) {
  ExpectMalformed<CallFrame>("10000000 10 80 0400 07000000 03000000", "flags other than");
  ExpectMalformed<CancelFrame>("10000000 13 01 0400 09000000 04000000", "flags other than");
  ExpectMalformed<StatusFrame>("0c000000 21 40 0000 02000000", "flags other than");
}

TEST(FrameMalformed, CallZeroAndConnectionFramesWithACall) {
  ExpectMalformed<CallFrame>("10000000 10 00 0400 00000000 03000000", "0 is none");
  ExpectMalformed<StatusFrame>("0c000000 21 01 0000 00000000", "0 is none");
  ExpectMalformed<PingFrame>("14000000 03 00 0800 01000000 8877665544332211", "must be 0");
}

TEST(FrameMalformed, HeadsTooShortForTheirFlags) {
  ExpectMalformed<CallFrame>("0f000000 10 00 0300 07000000 030000", "too short");
  ExpectMalformed<CallFrame>("10000000 10 04 0400 07000000 03000000", "too short");
  ExpectMalformed<CallFrame>("12000000 10 08 0600 07000000 03000000 0500", "too short");
  ExpectMalformed<StatusFrame>("0c000000 21 02 0000 02000000", "too short");
  ExpectMalformed<StatusFrame>("0e000000 21 05 0200 02000000 ffff", "too short");
}

TEST(FrameMalformed, HelloOfAnotherProtocolOrNoVersion) {
  ExpectMalformed<HelloFrame>(R"(2c000000 01 00 2000 00000000
      484454525043 0d0a 0100 0100 00000000 00400000 00200000 0000400000000000)",
                              "magic");
  ExpectMalformed<HelloFrame>(R"(2c000000 01 00 2000 00000000
      554453525043 0d0a 0100 0200 00000000 00400000 00200000 0000400000000000)",
                              "no range");
}

TEST(FrameMalformed, CallsWithoutAMethod) {
  ExpectMalformed<CallFrame>("10000000 10 00 0400 07000000 00000000", "no method");
  ExpectMalformed<CallFrame>("12000000 10 08 0600 07000000 01000000 0000", "1 to 1024 bytes");
}

TEST(FrameMalformed, ABodyWithoutAMessage) {
  ExpectMalformed<CallFrame>("11000000 10 00 0400 07000000 03000000 78", "no message");
  ExpectMalformed<StatusFrame>("15000000 21 02 0800 05000000 0e000000 0000 0000 78", "no message");
}

TEST(FrameMalformed, AnErrorWhoseCodeIsOk) {
  ExpectMalformed<StatusFrame>("14000000 21 02 0800 05000000 00000000 0000 0000", "cannot be 0");
}

}  // namespace
}  // namespace udsrpc::wire
