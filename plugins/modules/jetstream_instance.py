#!/usr/bin/python
# Copyright (c) 2026 jetstream.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: jetstream_instance
short_description: Launch and delete Jetstream instances
version_added: 1.0.0
description:
  - Launches what is missing of the named instances, changes what differs, or deletes the named instances, in one task.
    What is as it should be is left as it is, and so is every property that is not given.
  - All instances are listed once, launched in parallel, and waited for together. When some fail, the others go on, the
    task fails at the end, and RV(instances) has them all.
  - A launch is never repeated blindly. Each request has a mark of its own, and a launch whose response was lost is
    looked for before another one is sent. What a killed run left behind is found by the next run.
  - Where the cloud has too few hosts, what came up is kept, the records of the others are removed, and the next run
    fills up.
  - Results and C(--diff) have the cost in service units (SU) per hour, also in check mode, by O(rates).
author:
  - jetstream.cloud contributors (@jetstream-cloud)
extends_documentation_fragment:
  - jetstream.cloud.attributes
  - jetstream.cloud.attributes.state
  - jetstream.cloud.attributes.action_group
  - jetstream.cloud.connection
  - jetstream.cloud.rates
options:
  state:
    description:
      - With V(present), every named instance exists. One that is stopped or shelved exists, too, and stays so.
      - With V(absent), no named instance exists. Of a template, only those are deleted that this module launched for
        it. On Atmosphere, records of that are in C(~/.local/state/jetstream/launches).
    type: str
    default: present
    choices:
      - present
      - absent
  name:
    description:
      - The name of an instance. With O(count), or with V({number}) in it, it is a template of numbered names.
      - V({number}) stands for the number, V({number:02}) for one of two digits at least. Without it, the number is put
        at the end, behind a hyphen.
    type: str
  names:
    description:
      - The names of several instances, such as one for each student. An empty list means none.
    type: list
    elements: str
  count:
    description:
      - How many instances of the template O(name) there should be.
      - Numbers are stable. The lowest free numbers are filled first, and the highest are deleted first.
      - An instance that has a name of the template counts, also if it was launched elsewhere. Then it is not changed.
    type: int
  shrink:
    description:
      - Whether to delete the instances of the template beyond O(count), those with the highest numbers.
      - Only those that this module launched for this template are deleted.
    type: bool
    default: false
  image:
    description:
      - The name or UUID of the image to launch from. It is needed where an instance is missing.
      - Of several images with one name, the newest of the project is taken, or else the newest public one. A community
        image, which every user can publish under any name, is taken by its UUID alone. So is a hidden one, which its
        owner has withdrawn; M(jetstream.cloud.jetstream_image_info) finds it with O(ignore:hidden).
    type: str
  flavor:
    description:
      - The name of the flavor. It is needed where an instance is missing.
      - An instance of another flavor is resized, which reboots it. A disk cannot shrink, and flavors with whole GPUs
        cannot be resized.
    type: str
    aliases:
      - size
  network:
    description:
      - The name or UUID of the network.
      - By default, it is C(auto_allocated_network), which is made if the project has no network yet, or else the only
        network of the project.
    type: str
  key_name:
    description:
      - The name of the key pair whose public key is put into the instances.
    type: str
  public_key:
    description:
      - A public key, a line such as C(ssh-ed25519 AAAAC3Nza... name@host). Where an instance is missing, and there is
        no key pair O(key_name), it is imported under that name first.
      - If there is one with another key, the task fails. To replace it, use M(jetstream.cloud.jetstream_keypair).
    type: str
  public_key_file:
    description:
      - The file of O(public_key), on the host of the task.
    type: path
  security_groups:
    description:
      - Names or UUIDs of security groups. By default, it is the cloud's group C(default), which on Jetstream2 lets no
        connection in.
    type: list
    elements: str
  user_data:
    description:
      - User data, such as a configuration for cloud-init. Nova takes 65535 characters in base64, which are 48 kB. More
        is refused before anything is sent.
      - It is not shown in results or logs, since passwords are often in it.
    type: str
  user_data_file:
    description:
      - A file with O(user_data), such as C(cloud-init.yml), on the host of the task. To fill in variables, use
        C(lookup('ansible.builtin.template', 'cloud-init.yml.j2')) as O(user_data) instead.
    type: path
  user_data_by_name:
    description:
      - User data of single instances, by their names. All others get O(user_data).
      - So an instance never has the password of another one in its user data, which everybody on it can read.
    type: dict
  metadata:
    description:
      - Metadata. Keys that are not given here are never changed.
    type: dict
  description:
    description:
      - The description.
    type: str
  boot_volume:
    description:
      - Makes launched instances boot from a new volume instead of a disk of their host. Volumes have a quota of their
        own, which is small by default.
    type: dict
    suboptions:
      size:
        description:
          - Its size in GB.
        type: int
        required: true
      deleted_with_instance:
        description:
          - Whether the cloud deletes it together with the instance.
        type: bool
        default: true
  floating_ip:
    description:
      - With V(auto), each instance has a floating IP. One that has none gets a new one.
      - An address is a floating IP of the project. It is attached, unless another instance has it.
      - With V(none), no instance has one. It is detached, and stays with the project.
      - By default, launched instances get no floating IP, and others keep theirs.
    type: str
  project:
    description:
      - The project that launched instances belong to, by name or UUID. On Atmosphere, it is needed where there are
        several. At Jetstream2, that is the project of the login, and any other is refused.
    type: str
  allocation_source:
    description:
      - The allocation that pays, by name or UUID. On Atmosphere, it is needed where there are several. At Jetstream2,
        the flavor decides, and the option is refused.
    type: str
  identity:
    description:
      - The account that launches, by its UUID, or by the name or UUID of its provider. On Atmosphere, it is needed
        where there are several. At Jetstream2, the option is refused.
    type: str
  locked:
    description:
      - Whether the instances are locked against changes. A locked instance is not changed by this module either, unless
        this is V(false).
    type: bool
  new_name:
    description:
      - The new name of the instance O(name). If there is none of the old name, it means the instance of the new one.
      - The name of the host inside of it is not changed.
    type: str
  replace:
    description:
      - Whether to delete an instance, and launch it anew, if it differs in what cannot be changed in place, which is
        O(image), O(key_name) and O(boot_volume). All that is on its disk is lost.
      - Without it, such a difference fails the task.
      - A site replaces its images under the same names. An instance whose image has the name that it was launched by
        does not differ.
    type: bool
    default: false
  exosphere:
    description:
      - Whether launched instances get the metadata by which Exosphere, the web page of Jetstream2, takes them for its
        own.
    type: bool
    default: true
  initial_state:
    description:
      - The state that launched instances begin in. A shelved one costs nothing until it is started. With
        O(wait_for=setup), it is set up before it is shelved.
    type: str
    default: started
    choices:
      - started
      - shelved
  wait_for:
    description:
      - With V(active), an instance is ready when it runs. With V(address), it has an address as well. With V(ssh), its
        port 22 can be reached from the host of the task.
      - With V(setup), it has set itself up as well. On Jetstream2, its console says that, in the lines of Exosphere or
        in the last message of cloud-init. A failure is told with its line. On Atmosphere, an instance is active only
        once Atmosphere has deployed it.
    type: str
    default: active
    choices:
      - active
      - address
      - ssh
      - setup
  capacity_retries:
    description:
      - Where the cloud has no host for an instance, it is launched again in batches of 4, after growing pauses. This is
        how many batches in a row may find no host at all.
    type: int
    default: 2
  include_locked:
    description:
      - Whether to delete locked instances, too. Their owners locked them to keep them as they are.
    type: bool
    default: false
  delete_volumes:
    description:
      - Whether volumes that are attached to a deleted instance are deleted, too. Otherwise they are detached and stay.
      - If the run is killed, the next one with the same options deletes what is left of them.
    type: bool
    default: false
  release_floating_ip:
    description:
      - Whether to give back the floating IP of a deleted instance, if this module made it for that instance. Otherwise
        it stays with the project, and counts in its quota.
      - On Atmosphere, which gives it back itself, the option is refused.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until every instance is ready, or gone.
      - Without it, RV(ignore:changed) means that the cloud accepted the requests.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds in which all instances together must be ready, or gone. One that is not has failed.
    type: float
    default: 1800.0
notes:
  - Atmosphere has neither key pairs, security groups, user data, metadata nor locks, and gives each instance a floating
    IP by itself. Such options are refused there. It keeps no marks either, so instances are deleted by their names.
seealso:
  - module: jetstream.cloud.jetstream_instance_state
  - module: jetstream.cloud.jetstream_instance_info
"""

EXAMPLES = r"""
- name: Launch an instance, and wait until it can be reached
  jetstream.cloud.jetstream_instance:
    name: head
    image: Featured-Ubuntu24
    flavor: m3.quad
    key_name: laptop
    security_groups: [ssh]
    floating_ip: auto
    wait_for: ssh

- name: Launch an instance with this machine's key, and wait until cloud-init has set it up
  jetstream.cloud.jetstream_instance:
    name: head
    image: Featured-Ubuntu24
    flavor: m3.quad
    key_name: laptop
    public_key_file: ~/.ssh/id_ed25519.pub
    user_data_file: cloud-init.yml
    security_groups: [ssh]
    floating_ip: auto
    wait_for: setup

- name: Have an instance for each student, on the shelf until the course begins
  jetstream.cloud.jetstream_instance:
    names: [alice, bob, carol]
    image: Featured-Ubuntu24
    flavor: m3.small
    initial_state: shelved
    metadata:
      course: geo-101

- name: Have ten workers, worker-01 to worker-10
  jetstream.cloud.jetstream_instance:
    name: worker-{number:02}
    count: 10
    image: Featured-Ubuntu24
    flavor: m3.medium

- name: See what they would cost, and launch none
  jetstream.cloud.jetstream_instance:
    name: worker-{number:02}
    count: 10
    image: Featured-Ubuntu24
    flavor: m3.medium
  check_mode: true
  register: foreseen

- name: Show it
  ansible.builtin.debug:
    msg: "They would cost {{ foreseen.su_per_hour.difference | default('-', true) }} SU per hour"

- name: Keep four of them, and delete the highest numbers
  jetstream.cloud.jetstream_instance:
    name: worker-{number:02}
    count: 4
    shrink: true
    image: Featured-Ubuntu24
    flavor: m3.medium

- name: Rename an instance, and give it more cores
  jetstream.cloud.jetstream_instance:
    name: head
    new_name: gateway
    flavor: m3.large

- name: Delete all workers, and nothing else
  jetstream.cloud.jetstream_instance:
    state: absent
    name: worker-{number:02}

- name: Delete the head with its volumes and its address
  jetstream.cloud.jetstream_instance:
    state: absent
    name: head
    delete_volumes: true
    release_floating_ip: true
"""

RETURN = r"""
instances:
  description:
    - Every named instance, in the order of the names, then the deleted ones, those with the highest numbers first, and
      at last those that an earlier run has deleted, and of which something was left.
  returned: when the instances could be listed
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      sample: worker-01
    id:
      description: The number that the web page shows. On Jetstream2, the UUID. Null if it was not launched.
      type: raw
    uuid:
      description: The UUID. Null if it was not launched.
      type: str
    ip_address:
      description: The floating IP. Null if it has none.
      type: str
      sample: 149.165.156.15
    addresses:
      description: All addresses, as far as they were read.
      type: list
      elements: str
    flavor:
      description: The name of the flavor. In check mode, the one that it would have.
      type: str
      sample: m3.quad
    su_per_hour:
      description: The SU per hour that it costs in the state RV(instances[].after). Null if they are not known.
      type: float
      sample: 4
    before:
      description: State and activity before, or V(absent).
      type: str
      sample: absent
    after:
      description: The state and activity last observed, or V(absent). In check mode, the expected ones.
      type: str
      sample: active
    actions:
      description: The steps that were taken, in order. In check mode, those that would be.
      type: list
      elements: str
      sample: [launch, assign address]
    changed:
      description: Whether the cloud accepted anything.
      type: bool
    failed:
      description: Whether it is not as it should be.
      type: bool
    skipped:
      description: Whether it was left as it is on purpose, since it is locked.
      type: bool
    unclear:
      description: Whether a request was sent of which it is not known if the cloud carried it out.
      type: bool
    msg:
      description: What happened, in words.
      type: str
      sample: launch, then assign address done
    elapsed:
      description: Seconds until this instance was ready, gone, or failed.
      type: float
      sample: 41.5
key_imported:
  description: Whether the key pair was imported. In check mode, whether it would be.
  returned: when the instances could be listed
  type: bool
su_per_hour:
  description:
    - The SU per hour of all named instances together, by O(rates). In check mode, what they would cost.
    - An instance that is built, and not waited for, counts with the cost that it will have.
  returned: when the instances could be listed
  type: dict
  contains:
    before:
      description: Their cost before the task. Null if it is known of none of them.
      type: float
      sample: 0
    after:
      description: Their cost after the task.
      type: float
      sample: 12
    difference:
      description: What the task adds to the cost. What it saves, if negative.
      type: float
      sample: 12
    unknown:
      description: The names of instances whose cost is not known, before or after. No figure here has them.
      type: list
      elements: str
summary:
  description: The same in numbers.
  returned: when the instances could be listed
  type: dict
  contains:
    wanted:
      description: How many instances the task wants to be there.
      type: int
    present:
      description: How many of these are there.
      type: int
    launched:
      description: How many were launched.
      type: int
    deleted:
      description: How many were deleted.
      type: int
    unchanged:
      description: How many were as they should be.
      type: int
    skipped:
      description: How many were skipped.
      type: int
    failed:
      description: How many failed.
      type: int
"""

from ..module_utils.operations.instance import OPERATION, SPEC
from ..module_utils.runner import run


def main() -> None:
    run(SPEC, OPERATION)


if __name__ == "__main__":
    main()
